/** What is asked of a page, by name: text of one expression, so that a test can put a call behind it. */

({
  /** The run of axe-core, which is on the page already. */
  violations: async () => {
    const { violations, passes } = await axe.run(document, { resultTypes: ['violations', 'passes'] });
    return {
        passed: passes.length,
        violations: violations.map(({ id, impact, nodes }) => ({
            id, impact, nodes: nodes.map(({ target, failureSummary }) => `${target}: ${failureSummary}`),
        })),
    };
},

  /**
   * Of every text in sight, WCAG 2.2, 1.4.3: colours are painted one over another on a canvas, so that any notation and any
   * opacity counts as it is seen. What cannot be used (`disabled`) is exempt.
   */
  contrasts: () => {
    const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
    const painted = (layers) => {
        canvas.globalAlpha = 1;
        canvas.fillStyle = 'white';
        canvas.fillRect(0, 0, 1, 1);
        for (const [colour, opacity] of layers) {
            canvas.globalAlpha = opacity;
            canvas.fillStyle = colour;
            canvas.fillRect(0, 0, 1, 1);
        }
        return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const light = (colour) => colour.map((part) => part / 255)
        .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
        .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
    const lineage = (node) => (node ? [...lineage(node.parentElement), node] : []);
    const own = (node) => [...node.childNodes].some((each) => each.nodeType === 3 && each.textContent.trim());
    const found = [];
    for (const node of document.querySelectorAll('body *')) {
        if (!own(node) || !node.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true })) continue;
        if (node.closest('script, style, .visually-hidden, [disabled], option, dialog:not([open]), footer')) continue;
        if (document.querySelector('dialog:modal') && !node.closest('dialog:modal')) continue;
        const box = node.getBoundingClientRect();
        if (!box.width || box.bottom < 0) continue;
        let opacity = 1;
        const layers = [];
        for (const each of lineage(node)) {
            const style = getComputedStyle(each);
            opacity *= Number(style.opacity);
            layers.push([style.backgroundColor, opacity]);
        }
        const style = getComputedStyle(node);
        const behind = light(painted(layers));
        const colour = node instanceof SVGElement ? style.fill : style.color;
        const front = light(painted([...layers, [colour, opacity]]));
        const [low, high] = [behind, front].sort((a, b) => a - b);
        const size = parseFloat(style.fontSize);
        const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
        found.push({ text: `${node.tagName}.${node.className.baseVal ?? node.className} ${node.textContent.trim().slice(0, 40)}`,
            ratio: (high + 0.05) / (low + 0.05), large });
    }
    return found;
},

  /** WCAG 2.2, 2.5.8: 24 px, or a circle of 24 px around its middle that touches no other target. What a person needs first is 44 px. */
  targets: () => {
    const modal = document.querySelector('dialog:modal');
    const all = [...document.querySelectorAll('a[href], button, input, select, summary, label:has(input)')]
        .filter((node) => node.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true, opacityProperty: true }) && !node.disabled)
        .filter((node) => !node.closest('.visually-hidden, .skip') && (!modal || modal.contains(node)))
        .filter((node) => !node.matches('label input'))
        .map((node) => ({ node, box: node.getBoundingClientRect() }))
        .filter(({ box }) => box.width && box.height);
    const apart = ({ node, box }) => all.every((other) => other.node === node || other.node.contains(node) || node.contains(other.node)
        || Math.hypot(Math.max(other.box.left - (box.left + box.right) / 2, (box.left + box.right) / 2 - other.box.right, 0),
            Math.max(other.box.top - (box.top + box.bottom) / 2, (box.top + box.bottom) / 2 - other.box.bottom, 0)) >= 12);
    const told = ({ node, box }) => `${node.tagName}#${node.id}.${node.className} ${node.textContent.trim().slice(0, 20)}: ${box.width.toFixed(0)}x${box.height.toFixed(0)}`;
    const first = '.top :is(a, button, input, select, label), .edit-bar :is(button, input), dialog :is(button, input:not([type=checkbox])), .health #retry, #back-to-live, .menu-item, .copy';
    return {
        count: all.length,
        small: all.filter((each) => Math.min(each.box.width, each.box.height) < 23.5 && !apart(each)).map(told),
        narrow: all.filter(({ node, box }) => node.matches(first) && box.height < 43.5).map(told),
    };
},

  /** What sticks out of the window. */
  outside: () => [...document.querySelectorAll('body *')]
    .filter((node) => node.checkVisibility() && !node.closest('.visually-hidden, .skip, .plot, .legend, footer, #js-plotly-tester'))
    .map((node) => [node, node.getBoundingClientRect()])
    .filter(([, box]) => box.width && (box.left < -1 || box.right > innerWidth + 1))
    .map(([node, box]) => `${node.tagName}#${node.id}.${node.className} ${box.left.toFixed(0)}..${box.right.toFixed(0)}`),

  /** The outline of what has the focus. */
  focusRing: () => {
            const node = document.activeElement;
            const shown = node.matches('.segments input') ? node.closest('label') : node.matches('.filter, #filter') ? node.closest('.dash-input-container') ?? node : node;
            const { outlineStyle, outlineWidth } = getComputedStyle(shown);
            const box = shown.getBoundingClientRect();
            return { node: `${node.tagName}#${node.id}.${node.className}`, ring: outlineStyle === 'none' ? 0 : parseFloat(outlineWidth),
                seen: box.width > 0 && box.bottom > 0 && box.top < innerHeight, body: node === document.body };
        },
})
