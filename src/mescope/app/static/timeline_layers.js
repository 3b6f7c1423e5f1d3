// What lies under the marks of the timeline: stretches that could not be judged, the floor, events.

import { t, word } from "./words.js";

export const EVENT = 13;  // height of the row of one kind of event

export function drawGaps(line, ctx, ink) {  // hatched, with the reason where there is room for it
  for (const { first, last, reason } of line.gaps) {
    const left = Math.max(0, line.x(first)), right = Math.min(line.wide, line.x(last + 1));
    if (right <= 0 || left >= line.wide) continue;
    const wide = Math.max(1, right - left), high = line.high - line.lanes.ruler;
    ctx.fillStyle = ink.line;
    ctx.globalAlpha = 0.45;
    ctx.fillRect(left, line.lanes.ruler, wide, high);
    ctx.globalAlpha = 0.8;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, line.lanes.ruler, wide, high);
    ctx.clip();
    ctx.strokeStyle = ink.quiet;
    ctx.lineWidth = 0.7;
    ctx.beginPath();
    for (let x = left - high; x < right; x += 9) {
      ctx.moveTo(x, line.high);
      ctx.lineTo(x + high, line.lanes.ruler);
    }
    ctx.stroke();
    ctx.restore();
    ctx.globalAlpha = 1;
    const text = t("timeline.not_judged", { reason: word("gaps", reason) }), long = ctx.measureText(text).width;
    if (wide <= long + 8) continue;
    const y = line.lanes.ruler + line.lanes.spotting - 8;
    ctx.fillStyle = ink.surface;
    ctx.fillRect((left + right - long) / 2 - 3, y - 10, long + 6, 14);
    ctx.fillStyle = ink.text;
    ctx.fillText(text, (left + right - long) / 2, y);
  }
}

export function drawFloor(line, ctx, ink) {  // what reaches it is shown
  if (!line.floor) return;
  const y = line.lanes.ruler + line.lanes.spotting - 2 - line.floor * (line.lanes.spotting - 6);
  ctx.strokeStyle = ink.accent;
  ctx.setLineDash([5, 4]);
  ctx.beginPath();
  ctx.moveTo(0, y);
  ctx.lineTo(line.wide, y);
  ctx.stroke();
  ctx.setLineDash([]);
}

export function drawEvents(line, ctx, ink) {  // a row for each kind; those on one pixel become one
  line.kinds.forEach((kind, row) => {
    const top = line.top("events") + row * EVENT;
    ctx.fillStyle = line.colour(`--${kind}`);
    let drawn = -1;
    for (const event of line.events) {
      if (event.kind !== kind) continue;
      const left = Math.max(drawn, line.x(event.onset)), right = Math.max(left + 1.5, line.x(event.offset + 1));
      if (right <= drawn || right < 0 || left > line.wide) continue;
      ctx.fillRect(left, top + 2, right - left, EVENT - 4);
      drawn = right;
    }
    ctx.fillStyle = ink.surface;
    ctx.globalAlpha = 0.8;
    ctx.fillRect(2, top + 1, ctx.measureText(word("kinds", kind)).width + 4, EVENT - 2);
    ctx.globalAlpha = 1;
    ctx.fillStyle = ink.quiet;
    ctx.fillText(word("kinds", kind), 4, top + 10);
  });
}
