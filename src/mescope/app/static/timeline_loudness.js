// How loud the recording is, as a row of the timeline.

import { t } from "./words.js";

const LOW = -60, HIGH = 0;  // dB: below, a room is silent

export const LOUDNESS = 30;  // height of the row

export function drawLoudness(line, ctx, ink) {
  const high = line.lanes.loudness;
  if (!high) return;
  const top = line.top("loudness"), floor = top + high - 1;
  ctx.strokeStyle = ink.line;
  ctx.strokeRect(-1, top, line.wide + 2, high);
  const { frames, series } = line.loudness ?? { frames: [], series: {} };
  const levels = series.loudness?.max ?? [];
  ctx.fillStyle = line.colour("--speech");
  ctx.globalAlpha = 0.75;
  ctx.beginPath();
  ctx.moveTo(line.x(frames[0] ?? 0), floor);
  levels.forEach((level, i) => {
    const share = level === null ? 0 : Math.min(1, Math.max(0, (level - LOW) / (HIGH - LOW)));
    const [left, right] = [line.x(frames[i]), line.x(frames[i + 1] ?? frames[i] + 1)];
    ctx.lineTo(left, floor - share * (high - 3));
    ctx.lineTo(right, floor - share * (high - 3));
  });
  ctx.lineTo(line.x((frames.at(-1) ?? 0) + 1), floor);
  ctx.fill();
  ctx.globalAlpha = 1;
  ctx.fillStyle = ink.quiet;
  ctx.fillText(t("hearing.loudness"), 4, top + 11);
}
