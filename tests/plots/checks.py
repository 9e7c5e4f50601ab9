# SPDX-License-Identifier: MIT
"""Scripts for the browser that look for what cannot be read."""

VISIBLE = """
const shown = e => e.checkVisibility() && e.getClientRects().length > 0;
"""

CONTRAST = """
const canvas = document.createElement('canvas').getContext('2d',
    { willReadFrequently: true });
const colors = new Map(), grounds = new Map();
function rgba(text) {
    if (!colors.has(text))
        colors.set(text, read(text));
    return colors.get(text);
}
function read(text) {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
}
function light(rgb) {
    const [r, g, b] = rgb.slice(0, 3).map(v => v / 255).map(
        v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function ground(e) {
    if (!e)
        return [255, 255, 255, 255];
    if (!grounds.has(e)) {
        const color = rgba(getComputedStyle(e).backgroundColor);
        grounds.set(e, color[3] === 255 ? color : ground(e.parentElement));
    }
    return grounds.get(e);
}
const found = new Map();
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let text; (text = walker.nextNode());) {
    const e = text.parentElement;
    if (!text.data.trim() || !e.checkVisibility() || e.closest('title, desc, script'))
        continue;
    const style = getComputedStyle(e);
    const color = rgba(e.closest('svg') ? style.fill : style.color);
    const [a, b] = [light(color), light(ground(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const key = `${e.tagName} ${e.className.baseVal ?? e.className}`;
    if (!(found.get(key)?.[0] < ratio))
        found.set(key, [ratio, text.data.trim().slice(0, 40)]);
}
return [...found].map(([key, [ratio, text]]) => [ratio, key, text])
"""

NARROW = """
const wide = document.documentElement.scrollWidth;
const scrolls = e => e.closest('.scroll, pre');
const beyond = [...document.querySelectorAll('body *')].filter(e =>
    e.checkVisibility() && !scrolls(e) && !e.closest('svg, .skip') &&
    e.getBoundingClientRect().right > innerWidth + 1);
return [wide <= innerWidth, beyond.map(e => e.outerHTML.slice(0, 90))]
"""

#: Texts of a picture that overlap by more than a pixel
OVERLAP = """
const found = [];
for (const picture of document.querySelectorAll('main svg')) {
    const all = [...picture.querySelectorAll('text')].filter(e => e.checkVisibility());
    const boxes = all.map(e => e.getBoundingClientRect());
    const sheet = picture.getBoundingClientRect();
    const scale = sheet.width / picture.viewBox.baseVal.width;
    boxes.forEach((a, i) => {
        if (a.left < sheet.left - 2 || a.right > sheet.right + 2 ||
            a.bottom > sheet.bottom + 2)
            found.push(['beyond', all[i].textContent]);
        boxes.slice(i + 1).forEach((b, k) => {
            const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
            const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
            if (width > 1.5 * scale && height > 4 * scale)
                found.push([all[i].textContent, all[i + 1 + k].textContent,
                            picture.querySelector('title').textContent]);
        });
    });
}
return found
"""
