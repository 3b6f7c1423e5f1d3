// What lies under the marks of the timeline: stretches that could not be judged, the floor, events.

import { KINDS } from "./sensitivity.js";

export const EVENT = 13;  // height of the row of one kind of event

export function drawGaps(line, pen, ink) {  // hatched, with the reason where there is room for it
  for (const { first, last, reason } of line.gaps) {
    const left = Math.max(0, line.x(first)), right = Math.min(line.wide, line.x(last + 1));
    if (right <= 0 || left >= line.wide) continue;
    const wide = Math.max(1, right - left), high = line.high - line.lanes.ruler;
    pen.fillStyle = ink.line;
    pen.globalAlpha = 0.45;
    pen.fillRect(left, line.lanes.ruler, wide, high);
    pen.globalAlpha = 0.8;
    pen.save();
    pen.beginPath();
    pen.rect(left, line.lanes.ruler, wide, high);
    pen.clip();
    pen.strokeStyle = ink.quiet;
    pen.lineWidth = 0.7;
    pen.beginPath();
    for (let x = left - high; x < right; x += 9) {
      pen.moveTo(x, line.high);
      pen.lineTo(x + high, line.lanes.ruler);
    }
    pen.stroke();
    pen.restore();
    pen.globalAlpha = 1;
    const text = `could not be judged: ${reason}`, long = pen.measureText(text).width;
    if (wide <= long + 8) continue;
    const y = line.lanes.ruler + line.lanes.spotting - 8;
    pen.fillStyle = ink.surface;
    pen.fillRect((left + right - long) / 2 - 3, y - 10, long + 6, 14);
    pen.fillStyle = ink.text;
    pen.fillText(text, (left + right - long) / 2, y);
  }
}

export function drawFloor(line, pen, ink) {  // what reaches it is shown
  if (!line.floor) return;
  const y = line.lanes.ruler + line.lanes.spotting - 2 - line.floor * (line.lanes.spotting - 6);
  pen.strokeStyle = ink.accent;
  pen.setLineDash([5, 4]);
  pen.beginPath();
  pen.moveTo(0, y);
  pen.lineTo(line.wide, y);
  pen.stroke();
  pen.setLineDash([]);
}

export function drawEvents(line, pen, ink) {  // a row for each kind; those on one pixel become one
  line.kinds.forEach((kind, row) => {
    const top = line.top("events") + row * EVENT;
    pen.fillStyle = line.colour(`--${kind}`);
    let drawn = -1;
    for (const event of line.events) {
      if (event.kind !== kind) continue;
      const left = Math.max(drawn, line.x(event.onset)), right = Math.max(left + 1.5, line.x(event.offset + 1));
      if (right <= drawn || right < 0 || left > line.wide) continue;
      pen.fillRect(left, top + 2, right - left, EVENT - 4);
      drawn = right;
    }
    pen.fillStyle = ink.surface;
    pen.globalAlpha = 0.8;
    pen.fillRect(2, top + 1, pen.measureText(KINDS[kind]).width + 4, EVENT - 2);
    pen.globalAlpha = 1;
    pen.fillStyle = ink.quiet;
    pen.fillText(KINDS[kind], 4, top + 10);
  });
}
