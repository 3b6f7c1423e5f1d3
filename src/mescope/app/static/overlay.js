// Landmarks, regions and motion, drawn on a frame in px of the frame.

export function paintOverlay(pen, { landmarks, regions, arrows }) {
  const unit = Math.max(1, pen.canvas.width / 640);
  pen.lineWidth = unit;
  pen.strokeStyle = "#4cc9f0";
  for (const { box: [left, top, right, bottom] } of regions) {
    pen.strokeRect(left, top, right - left, bottom - top);
  }
  pen.fillStyle = "#ffd166";
  for (const [x, y] of landmarks ?? []) pen.fillRect(x - unit, y - unit, 2 * unit, 2 * unit);
  pen.strokeStyle = "#ff5d8f";
  pen.lineWidth = 2 * unit;
  const longer = 8;  // micro-expressions move by a px or two
  for (const [x, y, dx, dy] of arrows) {
    const [ex, ey] = [x + dx * longer, y + dy * longer], angle = Math.atan2(dy, dx);
    if (Math.hypot(dx, dy) < 0.1) continue;
    pen.beginPath();
    pen.moveTo(x, y);
    pen.lineTo(ex, ey);
    for (const side of [-2.6, 2.6]) {
      pen.moveTo(ex, ey);
      pen.lineTo(ex + 6 * unit * Math.cos(angle + side), ey + 6 * unit * Math.sin(angle + side));
    }
    pen.stroke();
  }
}
