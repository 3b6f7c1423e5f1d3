// Exact frames on a canvas.  The server decodes frame n; nothing here guesses by time.

import { api } from "./api.js";

const KEPT = 160;
const AHEAD = 10;

export class Player {
  // canvas: where frames are drawn; shown(n): called when frame n is on it; failed(text).
  constructor(canvas, recording, { shown, failed }) {
    Object.assign(this, { canvas, recording, shown, failed });
    this.frame = 0;      // asked for
    this.drawn = -1;     // on the canvas
    this.speed = 1;
    this.loop = null;    // [first, last]
    this.playing = false;
    this.pictures = new Map();  // n -> promise of a bitmap; the order is that of use
    this.paint = null;   // draws over a frame
    canvas.width = recording.width;
    canvas.height = recording.height;
    this.width = recording.width > 1280 ? 1280 : 0;
  }

  get last() { return this.recording.frames - 1; }

  picture(n) {
    let found = this.pictures.get(n);
    this.pictures.delete(n);
    found ??= fetch(api.frameUrl(this.recording.id, n, this.width)).then(async (answer) => {
      if (answer.ok) return createImageBitmap(await answer.blob());
      const body = await answer.json().catch(() => null);
      throw new Error(body?.error ?? `frame ${n} cannot be shown`);
    });
    this.pictures.set(n, found);
    found.catch(() => this.pictures.delete(n));
    while (this.pictures.size > KEPT) {
      const [oldest, picture] = this.pictures.entries().next().value;
      this.pictures.delete(oldest);
      picture.then((bitmap) => bitmap.close()).catch(() => {});
    }
    return found;
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
    const pen = this.canvas.getContext("2d");
    pen.drawImage(bitmap, 0, 0, this.canvas.width, this.canvas.height);
    this.drawn = n;
    this.canvas.dataset.frame = String(n);
    this.paint?.(pen, n);
    this.shown(n);
  }

  step(by) { this.pause(); return this.show(this.frame + by); }

  again() { return this.show(this.frame); }

  toggle() { if (this.playing) this.pause(); else this.play(); }

  pause() { this.playing = false; this.onplay?.(false); }

  play() {
    if (this.playing) return;
    this.playing = true;
    this.onplay?.(true);
    const [from, to] = this.loop ?? [0, this.last];
    if (this.frame < from || this.frame >= to) this.frame = from;
    this.run(from, to);
  }

  async run(from, to) {
    let start = performance.now(), first = this.frame, speed = this.speed;
    while (this.playing) {
      if (speed !== this.speed) {
        [start, first, speed] = [performance.now(), this.frame, this.speed];
      }
      let n = first + Math.floor(((performance.now() - start) / 1000) * this.recording.rate * speed);
      if (n > to) {
        if (!this.loop) break;
        [start, first, n] = [performance.now(), from, from];
      }
      for (let ahead = 1; ahead <= AHEAD; ahead++) {
        const next = n + ahead * Math.max(1, Math.round(speed));
        if (next <= to) this.picture(next).catch(() => {});
      }
      if (n !== this.drawn) await this.show(n);
      await new Promise((done) => requestAnimationFrame(done));
    }
    if (this.playing) { await this.show(to); this.pause(); }
  }
}
