// Landmarks, regions and motion, drawn on a frame in px of the frame.

export function paintOverlay(ctx, { landmarks, regions, arrows }) {
  const unit = Math.max(1, ctx.canvas.width / 640);
  ctx.lineWidth = unit;
  ctx.strokeStyle = "#4cc9f0";
  for (const { box: [left, top, right, bottom] } of regions) {
    ctx.strokeRect(left, top, right - left, bottom - top);
  }
  ctx.fillStyle = "#ffd166";
  for (const [x, y] of landmarks ?? []) ctx.fillRect(x - unit, y - unit, 2 * unit, 2 * unit);
  ctx.strokeStyle = "#ff5d8f";
  ctx.lineWidth = 2 * unit;
  const longer = 8;  // micro-expressions move by a px or two
  for (const [x, y, dx, dy] of arrows) {
    const [ex, ey] = [x + dx * longer, y + dy * longer], angle = Math.atan2(dy, dx);
    if (Math.hypot(dx, dy) < 0.1) continue;
    ctx.beginPath();
    ctx.moveTo(x, y);
    ctx.lineTo(ex, ey);
    for (const side of [-2.6, 2.6]) {
      ctx.moveTo(ex, ey);
      ctx.lineTo(ex + 6 * unit * Math.cos(angle + side), ey + 6 * unit * Math.sin(angle + side));
    }
    ctx.stroke();
  }
}
