// The timeline: curves thinned by the server, marks that can be dragged, gaps, zoom and pan.

import { clock } from "./dom.js";
import { KINDS, ONE } from "./sensitivity.js";
import { EVENT, drawEvents, drawFloor, drawGaps } from "./timeline_layers.js";

const LANES = { ruler: 20, spotting: 78, movement: 0, emotion: 54, region: 40, events: 0, model: 26, human: 36 };
const MOVEMENT = 40, ROOM = 6;  // heights: of a lane that not every recording has, and of the frame
const EDGE = 7;  // px around an edge of a mark that take hold of it
const ROWS = 3;  // of coders; further ones share them
const COLOURS = ["#d1495b", "#2f9e44", "#e8a33d", "#7a6fd0", "#8a94a3"];

export class Timeline {
  // told: {seek(n), picked(mark), moved(mark, values), wants(first, last, points)}
  constructor(canvas, recording, told) {
    Object.assign(this, { canvas, recording, told });
    this.view = [0, Math.max(1, recording.frames - 1)];
    this.marks = [];
    this.coders = [];
    this.curves = null;
    this.lanes = { ...LANES };
    this.gaps = recording.gaps;
    this.events = [];
    this.kinds = [];
    this.floor = 0;
    this.frame = 0;
    this.picked = null;
    this.region = null;
    this.hold = null;
    for (const [name, what] of [["pointerdown", "down"], ["pointermove", "move"], ["pointerup", "up"], ["pointercancel", "drop"]]) {
      canvas.addEventListener(name, (event) => this[what](event));
    }
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    this.watch = new ResizeObserver(() => this.fit());
    this.watch.observe(canvas);
    this.dark = matchMedia("(prefers-color-scheme: dark)");
    this.dark.onchange = () => this.draw();
  }

  close() { this.watch.disconnect(); this.dark.onchange = null; }

  fit() {
    const scale = devicePixelRatio || 1, box = this.canvas.getBoundingClientRect();
    if (!box.width) return;
    this.canvas.width = Math.round(box.width * scale);
    this.canvas.height = Math.round(box.height * scale);
    [this.wide, this.high, this.scale] = [box.width, box.height, scale];
    this.ask();
    this.draw();
  }

  arrange({ movement, events, gaps, floor, hidden }) {  // what an analysis gives, without hidden kinds
    this.events = events.filter((one) => !hidden.has(one.kind));
    this.kinds = Object.keys(KINDS).filter((kind) => this.events.some((one) => one.kind === kind));
    Object.assign(this, { gaps, floor });
    Object.assign(this.lanes, { movement: movement ? MOVEMENT : 0, events: EVENT * this.kinds.length });
    this.canvas.style.height = `${Object.values(this.lanes).reduce((sum, high) => sum + high) + ROOM}px`;
    this.draw();
  }

  top(name) {  // of a lane
    const names = Object.keys(this.lanes);
    return names.slice(0, names.indexOf(name)).reduce((sum, one) => sum + this.lanes[one], 0);
  }

  show(marks, picked) {
    const { hold } = this;  // what is being dragged stays in the hand
    this.marks = marks.map((mark) => (mark.id === hold?.mark?.id ? hold.mark : mark));
    this.coders = [...new Set(marks.filter((mark) => mark.source === "human").map((mark) => mark.coder))].sort();
    this.picked = picked?.id ?? null;
    this.draw();
  }

  ask() {  // for the curves of what is visible, and half as much on each side to pan into
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => {
      const [first, last] = this.view, more = (last - first) / 2;
      const from = Math.max(0, Math.round(first - more)), to = Math.min(this.recording.frames - 1, Math.round(last + more));
      const share = (to - from) / Math.max(1, last - first);
      this.told.wants(from, to, Math.min(4000, Math.max(50, Math.round((this.wide ?? 600) * share))));
    }, 60);
  }

  // Frames and seconds: the curves know both; a frame between two of theirs lies between their times.
  seconds(frame) { return this.between(frame, "frames", "times", 1 / this.recording.rate); }
  frameAt(seconds) { return this.between(seconds, "times", "frames", this.recording.rate); }

  between(value, from, to, slope) {
    const [xs, ys] = [this.curves?.[from] ?? [], this.curves?.[to] ?? []];
    if (!xs.length) return value * slope;
    let [low, high] = [0, xs.length - 1];
    if (value <= xs[low]) return ys[low] + (value - xs[low]) * slope;
    if (value >= xs[high]) return ys[high] + (value - xs[high]) * slope;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (xs[middle] <= value) low = middle; else high = middle;
    }
    return ys[low] + ((value - xs[low]) / (xs[high] - xs[low])) * (ys[high] - ys[low]);
  }

  x(frame) { return ((frame - this.view[0]) / (this.view[1] - this.view[0])) * this.wide; }
  at(x) { return this.view[0] + (x / this.wide) * (this.view[1] - this.view[0]); }

  zoom(factor, middle = this.frame) {
    const last = Math.max(1, this.recording.frames - 1);
    const span = Math.min(last, Math.max(20, (this.view[1] - this.view[0]) * factor));
    const share = (middle - this.view[0]) / (this.view[1] - this.view[0]);
    this.look(middle - Math.min(1, Math.max(0, share)) * span, span);
  }

  look(first, span = this.view[1] - this.view[0]) {
    const last = Math.max(1, this.recording.frames - 1);
    const from = Math.min(Math.max(0, first), Math.max(0, last - span));
    this.view = [from, Math.min(last, from + span)];
    this.ask();
    this.draw();
  }

  follow(frame) {
    this.frame = frame;
    const [first, last] = this.view, span = last - first;
    if (frame < first || frame > last) this.look(frame - span * 0.1);
    else this.draw();
  }

  wheel(event) {
    event.preventDefault();
    const middle = this.at(event.offsetX);
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      const by = (event.deltaX || event.deltaY) / this.wide;
      this.look(this.view[0] + by * (this.view[1] - this.view[0]));
    } else this.zoom(event.deltaY > 0 ? 1.25 : 0.8, middle);
  }

  lane({ source, coder }) {  // top and height of where a mark lies: every coder has a row
    if (source !== "human") return [this.top("model"), this.lanes.model];
    const rows = Math.min(ROWS, Math.max(1, this.coders.length)), row = Math.max(0, this.coders.indexOf(coder)) % rows;
    return [this.top("human") + (row * this.lanes.human) / rows, this.lanes.human / rows];
  }

  hit(x, y) {  // the mark under a point, and what of it
    for (const mark of [...this.marks].reverse()) {
      const [top, height] = this.lane(mark);
      if (y < top || y > top + height) continue;
      const [left, right] = [this.x(mark.first), this.x(mark.last + 1)];
      if (mark.source === "candidate") {  // nobody moves what is no mark
        if (x > left - EDGE && x < right + EDGE) return { mark, part: "candidate" };
        continue;
      }
      if (Math.abs(x - left) <= EDGE) return { mark, part: "first" };
      if (Math.abs(x - right) <= EDGE) return { mark, part: "last" };
      if (x > left && x < right) return { mark, part: "whole" };
    }
    return null;
  }

  down(event) {
    if (event.button) return;
    this.canvas.setPointerCapture(event.pointerId);
    const hit = this.hit(event.offsetX, event.offsetY);
    if (hit) {
      this.told.picked(hit.mark);
      this.hold = hit.part === "candidate" ? { part: "candidate" } : { ...hit, from: this.at(event.offsetX), moved: false, was: { ...hit.mark } };
    } else if (event.offsetY < this.lanes.ruler || event.shiftKey) {
      this.hold = { part: "view", x: event.offsetX, view: [...this.view] };
    } else {
      this.hold = { part: "seek" };
      this.told.seek(Math.round(this.at(event.offsetX)));
    }
  }

  move(event) {
    const { hold } = this;
    if (!hold) {
      const part = this.hit(event.offsetX, event.offsetY)?.part;
      this.canvas.style.cursor = part === "whole" ? "grab" : part === "candidate" ? "pointer" : part ? "ew-resize" : "crosshair";
      this.canvas.title = this.words(event.offsetX, event.offsetY);
      return;
    }
    if (hold.part === "candidate") return;
    if (hold.part === "seek") return this.told.seek(Math.round(this.at(event.offsetX)));
    if (hold.part === "view") {
      const by = ((hold.x - event.offsetX) / this.wide) * (hold.view[1] - hold.view[0]);
      return this.look(hold.view[0] + by);
    }
    const by = Math.round(this.at(event.offsetX) - hold.from), { mark, was } = hold;
    const apex = was.apex ?? was.first, end = this.recording.frames - 1;
    hold.moved ||= by !== 0;
    if (hold.part === "first") mark.first = Math.min(Math.max(0, was.first + by), apex);
    if (hold.part === "last") mark.last = Math.max(Math.min(end, was.last + by), apex);
    if (hold.part === "whole") {
      const shift = Math.min(Math.max(by, -was.first), end - was.last);
      mark.first = was.first + shift;
      mark.last = was.last + shift;
      mark.apex = was.apex === null ? null : was.apex + shift;
    }
    this.draw();
  }

  words(x, y) {  // what lies under the pointer, if it says anything
    const frame = this.at(x), covers = ([first, last]) => frame >= first && frame < last + 1;
    const kind = this.kinds[Math.floor((y - this.top("events")) / EVENT)];
    const event = kind && y < this.top("model") && this.events.find((one) => one.kind === kind && covers([one.onset, one.offset]));
    if (event) return `${ONE[kind]}, ${clock(event.onset_s)} to ${clock(event.offset_s)}`;
    const gap = this.gaps.find((one) => covers([one.first, one.last]));
    return gap ? `could not be judged: ${gap.reason}` : "";
  }

  up() {
    const { hold } = this;
    this.hold = null;
    if (!hold?.mark || !hold.moved) return;
    const { mark } = hold;
    this.told.moved(mark, { first: mark.first, apex: mark.apex, last: mark.last });
  }

  drop() {
    if (this.hold?.mark) Object.assign(this.hold.mark, this.hold.was);
    this.hold = null;
    this.draw();
  }

  colour(name) { return getComputedStyle(document.documentElement).getPropertyValue(name).trim(); }

  draw() {  // at most once for each picture of the screen
    this.drawing ??= requestAnimationFrame(() => { this.drawing = null; this.paint(); });
  }

  paint() {
    if (!this.wide) return;
    const pen = this.canvas.getContext("2d");
    const ink = Object.fromEntries(["surface", "text", "quiet", "line", "accent", "soft", "good", "bad", "warn"]
      .map((name) => [name, this.colour(`--${name}`)]));
    pen.setTransform(this.scale, 0, 0, this.scale, 0, 0);
    pen.clearRect(0, 0, this.wide, this.high);
    pen.font = "11px system-ui, sans-serif";
    drawGaps(this, pen, ink);
    this.drawRuler(pen, ink);
    this.drawCurves(pen, ink);
    drawFloor(this, pen, ink);
    drawEvents(this, pen, ink);
    this.drawn = new Map();
    for (const mark of this.marks) if (!this.covered(mark)) this.drawMark(pen, ink, mark);
    this.drawLanes(pen, ink);
    const x = this.x(this.frame);
    pen.fillStyle = ink.bad;
    pen.fillRect(x - 0.75, 0, 1.5, this.high);
  }

  drawLanes(pen, ink) {  // whose marks they are; to be read also where marks lie below
    const lanes = [{ source: "model", name: "model" }, ...(this.coders.length ? this.coders.slice(0, ROWS) : ["coders"])
      .map((coder) => ({ source: "human", coder, name: coder }))];
    for (const lane of lanes) {
      const [top, height] = this.lane(lane);
      pen.strokeStyle = ink.line;
      pen.strokeRect(-1, top, this.wide + 2, height);
      const name = lane.name.slice(0, 12);
      pen.fillStyle = ink.surface;
      pen.globalAlpha = 0.8;
      pen.fillRect(2, top + height / 2 - 6, pen.measureText(name).width + 4, 12);
      pen.globalAlpha = 1;
      pen.fillStyle = ink.quiet;
      pen.fillText(name, 4, top + height / 2 + 4);
    }
  }

  drawRuler(pen, ink) {
    const [first, last] = this.view.map((frame) => this.seconds(frame)), span = last - first;
    const step = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800].find((s) => (s / span) * this.wide > 64) ?? 3600;
    pen.strokeStyle = ink.line;
    pen.fillStyle = ink.quiet;
    for (let t = Math.ceil(first / step) * step; t <= last; t += step) {
      const x = this.x(this.frameAt(t));
      pen.beginPath();
      pen.moveTo(x, this.lanes.ruler - 5);
      pen.lineTo(x, this.high);
      pen.stroke();
      pen.fillText(clock(t, step < 1 ? 2 : 0), x + 3, 12);
    }
  }

  drawCurves(pen, ink) {
    const lanes = this.lanes;
    let top = lanes.ruler;
    const series = this.curves?.series ?? {};
    this.band(pen, ink, series.spotting, top, lanes.spotting, 0, 1, ink.accent, "spotting score");
    top += lanes.spotting;
    if (lanes.movement) this.band(pen, ink, series.movement, top, lanes.movement, 0, 1, ink.warn, "movement, by a rule without training");
    top += lanes.movement;
    const emotions = Object.keys(series).filter((name) => name.startsWith("emotion:") && !name.endsWith(":neutral"));
    emotions.forEach((name, i) =>
      this.band(pen, ink, series[name], top, lanes.emotion, 0, 1, COLOURS[i % COLOURS.length], "", true));
    let x = 4;
    emotions.forEach((name, i) => {
      pen.fillStyle = COLOURS[i % COLOURS.length];
      pen.fillText(name.slice(8), x, top + 11);
      x += pen.measureText(name.slice(8)).width + 10;
    });
    top += lanes.emotion;
    const region = this.region && series[this.region];
    const high = region ? Math.max(0.5, ...region.max.filter((v) => v !== null)) : 1;
    this.band(pen, ink, region, top, lanes.region, 0, high, ink.quiet, this.regionName ?? "");
  }

  band(pen, ink, curve, top, height, low, high, colour, label, line = false) {
    pen.strokeStyle = ink.line;
    pen.strokeRect(-1, top, this.wide + 2, height);
    if (curve && this.curves.frames.length) {
      const y = (v) => top + height - 2 - ((v - low) / (high - low)) * (height - 6);
      pen.strokeStyle = pen.fillStyle = colour;
      pen.globalAlpha = 0.9;
      pen.beginPath();
      let open = false;
      this.curves.frames.forEach((frame, i) => {
        const [small, big] = [curve.min[i], curve.max[i]];
        if (big === null || big === undefined) { open = false; return; }
        const x = this.x(frame);
        if (open) pen.lineTo(x, y(big)); else pen.moveTo(x, y(big));
        if (!line && small !== big) { pen.lineTo(x, y(small)); pen.lineTo(x, y(big)); }
        open = true;
      });
      pen.lineWidth = 1.4;
      pen.stroke();
      pen.lineWidth = 1;
      pen.globalAlpha = 1;
    }
    if (label) { pen.fillStyle = ink.quiet; pen.fillText(label, 4, top + 11); }
  }

  covered(mark) {  // one of many on the same pixel is enough, and none outside
    const left = Math.round(this.x(mark.first)), right = this.x(mark.last + 1);
    if (right < 0 || left > this.wide) return true;
    if (right - left > 3 || mark.id === this.picked) return false;
    const where = mark.status + (mark.source === "model" ? "" : mark.coder), before = this.drawn.get(where);
    this.drawn.set(where, left);
    return before === left;
  }

  drawMark(pen, ink, mark) {
    const [top, height] = this.lane(mark);
    const left = this.x(mark.first), right = this.x(mark.last + 1);
    const width = Math.max(3, right - left);
    const colour = { confirmed: ink.good, rejected: ink.bad, own: ink.accent, fainter: ink.quiet, explained: ink.quiet }[mark.status] ?? ink.warn;
    const room = height > 20 ? 4 : 1;
    if (mark.changed && mark.original) this.drawOriginal(pen, ink, mark.original, top + room, height - 2 * room);
    pen.fillStyle = colour;
    pen.globalAlpha = mark.status === "rejected" || mark.source === "candidate" ? 0.25 : 0.55;
    pen.fillRect(left, top + room, width, height - 2 * room);
    pen.globalAlpha = 1;
    pen.strokeStyle = mark.id === this.picked ? ink.text : colour;
    pen.lineWidth = mark.id === this.picked ? 2.5 : 1;
    pen.strokeRect(left, top + room, width, height - 2 * room);
    pen.lineWidth = 1;
    if (mark.apex !== null) {
      pen.fillStyle = ink.text;
      pen.fillRect(this.x(mark.apex + 0.5) - 0.75, top + room, 1.5, height - 2 * room);
    }
    if (width > 50 && !mark.explained_by) {  // what an event explains has no emotion
      pen.fillStyle = ink.text;
      pen.fillText(mark.emotion ?? "?", left + 4, top + height / 2 + 4);
    }
  }

  drawOriginal(pen, ink, { first, last }, top, height) {  // what the model said, before a coder
    pen.strokeStyle = ink.quiet;
    pen.setLineDash([3, 3]);
    pen.strokeRect(this.x(first), top, this.x(last + 1) - this.x(first), height);
    pen.setLineDash([]);
  }
}
