// Exact frames on a canvas.  The server decodes frame n; nothing here guesses by time.

import { api } from "./api.js";

const KEPT = 160;  // pictures,
const ROOM = KEPT * 1280 * 720;  // and px of all of them together
const AHEAD = 10;
export const WIDE = 1280;  // px of a picture that is wide enough until somebody looks closer

export class Player {
  // canvas: where frames are drawn; shown(n): called when frame n is on it; failed(text);
  // secondsOf(n): when frame n is shown, or undefined while that is not known yet.
  constructor(canvas, recording, { shown, failed, secondsOf }) {
    Object.assign(this, { canvas, recording, shown, failed, secondsOf });
    this.frame = 0;      // asked for
    this.drawn = -1;     // on the canvas
    this.speed = 1;
    this.loop = null;    // [first, last]
    this.playing = 0;    // 1 onward, -1 backward
    this.turn = 0;
    this.pictures = new Map();  // n -> promise of a bitmap; the order is that of use
    this.paint = null;   // draws over a frame
    canvas.width = recording.width;
    canvas.height = recording.height;
    this.width = recording.width > WIDE ? WIDE : 0;
  }

  get most() {  // pictures that are kept
    const { width, height } = this.recording, share = (this.width || width) / width;
    return Math.max(2 * AHEAD, Math.min(KEPT, Math.floor(ROOM / (width * height * share ** 2))));
  }

  get last() { return this.recording.frames - 1; }

  picture(n) {
    let found = this.pictures.get(n);
    this.pictures.delete(n);
    found ??= api.frame(this.recording, n, this.width).then((blob) => createImageBitmap(blob));
    this.pictures.set(n, found);
    found.catch(() => this.pictures.delete(n));
    while (this.pictures.size > this.most) {
      const [oldest, picture] = this.pictures.entries().next().value;
      this.pictures.delete(oldest);
      picture.then((bitmap) => bitmap.close()).catch(() => {});
    }
    return found;
  }

  resolve(width) {  // ask for frames this wide (0: as recorded) from now on
    if (width === this.width) return;
    this.width = width;
    this.pictures.clear();
    if (!this.playing) this.again();
  }

  async show(n) {
    this.frame = Math.min(this.last, Math.max(0, Math.round(n)));
    const wanted = this.frame;
    try {
      const bitmap = await this.picture(wanted);
      if (wanted !== this.frame) return;  // another one was asked for meanwhile
      this.draw(bitmap, wanted);
      this.failed("");
    } catch (error) {
      if (wanted !== this.frame) return;
      this.drawn = wanted;
      this.failed(error.message);
      this.shown(wanted);
    }
  }

  draw(bitmap, n) {
    const ctx = this.canvas.getContext("2d");
    ctx.drawImage(bitmap, 0, 0, this.canvas.width, this.canvas.height);
    this.drawn = n;
    this.canvas.dataset.frame = String(n);
    this.paint?.(ctx, n);
    this.shown(n);
  }

  step(by) { this.pause(); return this.show(this.frame + by); }

  again() { return this.show(this.frame); }

  toggle() { if (this.playing) this.pause(); else this.play(); }

  pause() {
    if (!this.playing) return;
    this.playing = 0;
    this.onplay?.(false);
  }

  play(direction = 1) {
    if (this.playing === direction) return;
    this.playing = direction;
    this.onplay?.(true);
    const [from, to] = this.loop ?? [0, this.last];
    const [start, end] = direction > 0 ? [from, to] : [to, from];
    if (this.frame < from || this.frame > to || this.frame === end) this.frame = start;
    this.run(start, end, direction);
  }

  wait(n, direction) {  // ms from frame n to the next one
    const here = this.secondsOf(n), there = this.secondsOf(n + direction);
    const seconds = here === undefined || there === undefined ? 1 / this.recording.rate : Math.abs(there - here);
    return Math.max(1, (1000 * seconds) / this.speed);
  }

  async run(start, end, direction) {
    const mine = ++this.turn;
    const on = () => this.playing === direction && this.turn === mine;
    let n = this.frame, due = performance.now();  // when frame n was to be shown
    while (on()) {
      const now = performance.now();
      while (due + this.wait(n, direction) <= now) {
        due += this.wait(n, direction);
        if (n !== end) n += direction;
        else if (this.loop) [n, due] = [start, now];
        else {
          if (n !== this.drawn) this.show(n);  // whoever is late still ends on the last frame
          return this.pause();
        }
      }
      this.onstep?.(n, due, direction);  // frame n is due since then; sound follows
      for (let k = 1; k <= AHEAD; k++) {
        const next = n + direction * k * Math.max(1, Math.round(this.speed));
        if ((end - next) * direction >= 0) this.picture(next).catch(() => {});
      }
      if (n !== this.drawn) await this.show(n);
      await new Promise((done) => requestAnimationFrame(done));
    }
  }
}
