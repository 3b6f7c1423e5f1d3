// Sound in step with the frames.  The page's clock leads both: the player says which moment of
// the recording is due when, and every piece of sound is put on the clock of the sound device
// by it, each piece anew.  So neither waits for the other, and differences do not add up.

import { api, passes } from "./api.js";

const RATE = 24000;   // samples a second, as the server keeps them
const PIECE = 2;      // seconds that a piece takes to be heard
const AHEAD = 2;      // pieces that are on their way before they are heard
const SEAM = 0.01;    // seconds in which one piece fades into the next
const OFF = 0.03;     // seconds that the sound may be beside its place before it is put there anew
const KEPT = 60;      // pieces
const AGAIN = 500;    // ms until a piece that was not there yet is asked for again

export class Sound {
  // failed(text): why nothing is heard
  constructor(recording, failed) {
    Object.assign(this, { recording, failed });
    this.stream = 0;
    this.on = true;
    this.pieces = new Map();   // what was asked for -> promise of an AudioBuffer
    this.turn = 0;
    this.stopped();
  }

  stopped() {
    this.running = false;
    this.placed = new Map();   // number of a piece -> { source, gain, at }, or null on its way
  }

  // `seconds` of the recording are due at `due` ms of the page's clock, at a speed
  follow(seconds, due, speed) {
    if (!this.on) return;
    this.wake();
    if (this.context.state !== "running") return;
    this.listen();
    const anchor = seconds - (due * speed) / 1000;  // seconds of the recording at the clock's zero
    const same = this.running && this.speed === speed && Math.abs(anchor - this.anchor) < OFF * speed;
    if (!same || this.strayed()) {
      this.stop();
      Object.assign(this, { running: true, anchor, speed });
    }
    this.fill();
  }

  wake() {  // only after somebody pressed something may a page be heard
    if (!this.context) {
      this.context = new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
      this.context.onstatechange = () => { this.shift = null; };
    }
    if (this.context.state === "suspended") this.context.resume().catch(() => {});
  }

  listen() {  // where the device's clock is while the page's stands at zero, in seconds
    const { contextTime, performanceTime } = this.context.getOutputTimestamp();
    const latency = this.context.outputLatency || this.context.baseLatency || 0;
    const now = performanceTime > 0 ? contextTime - performanceTime / 1000
      : this.context.currentTime - latency - performance.now() / 1000;
    if (this.shift == null || Math.abs(now - this.shift) > OFF) this.shift = now;
    else this.shift += 0.1 * (now - this.shift);  // single readings tremble
  }

  begins(k) {  // the device's time at which piece k is to be heard
    return (k * PIECE * this.speed - this.anchor) / this.speed + this.shift;
  }

  strayed() {  // the device stood still meanwhile, or another one took over
    for (const [k, one] of this.placed) if (one && Math.abs(this.begins(k) - one.at) > OFF) return true;
    return false;
  }

  fill() {
    const here = this.anchor + (performance.now() * this.speed) / 1000;
    const first = Math.max(0, Math.floor(here / (PIECE * this.speed)));
    for (let k = first; k <= first + AHEAD; k++) if (!this.placed.has(k)) this.place(k);
    for (const k of this.placed.keys()) if (k < first - 1) this.placed.delete(k);
  }

  async place(k) {
    const mine = this.turn;
    this.placed.set(k, null);
    let buffer;
    try {
      buffer = await this.piece(k);
      if (this.broken) this.failed("");
      this.broken = false;
    } catch (error) {
      if (mine !== this.turn) return;
      this.broken = !passes(error);
      if (this.broken) return this.failed(error.message);
      setTimeout(() => { if (mine === this.turn) this.placed.delete(k); }, AGAIN);
      return;
    }
    if (mine !== this.turn) return;
    const at = this.begins(k), start = Math.max(at, this.context.currentTime + 0.005), end = at + buffer.duration;
    if (start > end - SEAM) return;  // it came too late
    const source = this.context.createBufferSource(), gain = this.context.createGain();
    source.buffer = buffer;
    source.connect(gain).connect(this.context.destination);
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(1, Math.min(start + SEAM, end - SEAM));
    gain.gain.setValueAtTime(1, end - SEAM);
    gain.gain.linearRampToValueAtTime(0, end);
    source.start(start, start - at);
    this.placed.set(k, { source, gain, at });
  }

  piece(k) {  // with the seam that the next one fades in over
    const { speed, stream } = this, key = `${stream} ${speed} ${k}`;
    let found = this.pieces.get(key);
    this.pieces.delete(key);
    found ??= api.soundPiece(this.recording, { stream, speed, start: k * PIECE * speed, seconds: (PIECE + SEAM) * speed })
      .then((data) => this.context.decodeAudioData(data));
    this.pieces.set(key, found);
    found.catch(() => this.pieces.delete(key));
    while (this.pieces.size > KEPT) this.pieces.delete(this.pieces.keys().next().value);
    return found;
  }

  stop() {
    this.turn += 1;
    const now = this.context?.currentTime ?? 0;
    for (const one of this.placed.values()) {
      if (!one) continue;
      one.gain.gain.cancelScheduledValues(now);
      one.gain.gain.setTargetAtTime(0, now, SEAM / 4);
      one.source.stop(now + SEAM);
    }
    this.stopped();
  }

  close() {
    this.stop();
    this.context?.close();
    this.context = null;
  }
}
