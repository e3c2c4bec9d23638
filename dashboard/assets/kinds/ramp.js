/**
 * From counts to colours. Lightness alone tells more from less, steadily, so that no kind of colour blindness gets in the way;
 * more is farther from the card: darker on light, lighter on dark. Pure.
 */

/** @typedef {[number, number, number]} Colour */

/** @type {{light: Colour[], dark: Colour[]}} */
export const RAMPS = {
  light: [[198, 219, 239], [126, 178, 218], [58, 131, 192], [12, 84, 152], [6, 34, 76]],
  dark: [[33, 72, 112], [38, 112, 142], [52, 153, 142], [150, 203, 104], [253, 238, 150]],
};

/** Where there were samples, but not of this value. */
export const NONE_ALPHA = 22;

/** @param {number} count from 1 @param {number} most @returns {number} 0 to 1: equal steps are equal factors */
export function shareOf(count, most) {
  return most <= 1 ? 1 : Math.max(0, Math.min(1, Math.log(count) / Math.log(most)));
}

/** @param {Colour[]} ramp @param {number} share 0 to 1 @returns {Colour} */
export function colourOf(ramp, share) {
  const place = share * (ramp.length - 1);
  const at = Math.min(ramp.length - 2, Math.floor(place));
  return /** @type {Colour} */ (ramp[at].map((from, channel) => Math.round(from + (place - at) * (ramp[at + 1][channel] - from))));
}

/** The count that has the last colour: round, and it stays while it fits fairly. @param {number} held @param {number} most @returns {number} */
export function roundMost(held, most) {
  if (most <= held && most > held / 3) return held;
  if (most <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return power * (/** @type {number} */ ([1, 2, 5, 10].find((each) => power * each >= most)));
}

/** @param {number} most @returns {number[]} counts that a legend names */
export function legendOf(most) {
  return [...new Set([0, 0.25, 0.5, 0.75, 1].map((share) => Math.round(most ** share)))];
}
