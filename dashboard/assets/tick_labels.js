/** Labels of the axis of values, which fit their room whatever the font and whatever the unit is called. */

import { digits, scale, tickDigits } from './format.js';

const SMALLEST = 0.8; // of the size that they would have
const DIGITS = 6; // of a number, that anybody reads

/**
 * The ways to write them, the best first: with the unit; without it, since the legend has it, if the numbers are the same; as what is added to the lowest. Pure.
 * @param {number[]} ticks @param {number} size of the largest value @param {string|null} unit @returns {string[][]}
 */
export function waysToWrite(ticks, size, unit) {
  const alike = scale(size, unit).factor === scale(size, '').factor; // else the numbers were others without it: 1.5 d, 129.6 k
  const ways = alike ? [...new Set([unit, ''])] : [unit];
  const whole = ways.map((each) => written(ticks, size, each)).filter((texts) => !texts.some(isLong));
  return [...whole, ...ways.map((each) => added(ticks, size, each))];
}

/** @param {number[]} ticks @param {number} size @param {string|null} unit */
function added(ticks, size, unit) {
  const [lowest] = ticks;
  const steps = ticks.map((tick) => tick - lowest);
  const { factor, suffix } = scale(size, unit);
  return [digits(lowest / factor) + suffix, ...written(steps, Math.max(...steps), unit).slice(1).map((text) => `+${text}`)];
}

/** @param {string} text */
const isLong = (text) => text.replace(/\D/g, '').length > DIGITS;

/** @param {number[]} ticks @param {number} size @param {string|null} unit */
function written(ticks, size, unit) {
  const { factor, suffix } = scale(size, unit);
  const step = (ticks[1] - ticks[0]) / factor;
  return ticks.map((tick) => tickDigits(tick / factor, step) + suffix);
}

/**
 * The first way that fits, if it has to in smaller letters; if none does, the last is cut. Pure.
 * @param {string[][]} ways @param {number} room pixels @param {(text: string) => number} widthOf pixels at full size
 * @returns {{texts: string[], size: number}} size: 1 is full
 */
export function fitted(ways, room, widthOf) {
  for (const texts of ways) {
    const size = Math.min(1, room / Math.max(1, ...texts.map(widthOf)));
    if (size >= SMALLEST) return { texts, size };
  }
  return { texts: ways[ways.length - 1].map((text) => cut(text, room / SMALLEST, widthOf)), size: SMALLEST };
}

/** @param {string} text @param {number} room @param {(text: string) => number} widthOf */
function cut(text, room, widthOf) {
  let length = text.length;
  while (length > 1 && widthOf(`${text.slice(0, length)}…`) > room) length--;
  return widthOf(text) <= room ? text : `${text.slice(0, length)}…`;
}

/** @type {CanvasRenderingContext2D|null|undefined} */
let canvas;

/** @param {HTMLElement} div @returns {{px: number, widthOf: (text: string) => number}} in the font that labels have there */
export function lettering(div) {
  const style = getComputedStyle(div);
  const px = parseFloat(style.getPropertyValue('--ticks')) || 11;
  canvas ??= document.createElement('canvas').getContext('2d');
  return {
    px,
    widthOf: (text) => {
      if (!canvas) return 0;
      canvas.font = `${px}px ${style.fontFamily}`;
      return canvas.measureText(text).width;
    },
  };
}
