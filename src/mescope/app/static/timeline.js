// The timeline: curves thinned by the server, marks that can be dragged, gaps, zoom and pan.

import { clock } from "./dom.js";
import { KINDS } from "./sensitivity.js";
import { Spans } from "./spans.js";
import { TIER, drawCodes } from "./timeline_codes.js";
import { drawLoudness } from "./timeline_loudness.js";
import { EVENT, drawEvents, drawFloor, drawGaps } from "./timeline_layers.js";
import { t, word } from "./words.js";

const LANES = { ruler: 20, spotting: 78, movement: 0, emotion: 54, region: 40, loudness: 0, events: 0, codes: 0, model: 26, human: 36 };
const MOVEMENT = 40, ROOM = 6;  // heights: of a lane that not every recording has, and of the frame
const FACE = 18;  // height of the row of a face, of several
const EDGE = 7;  // px around an edge of a mark that take hold of it
const ROWS = 3;  // of coders; further ones share them
const COLOURS = ["#d1495b", "#2f9e44", "#e8a33d", "#7a6fd0", "#8a94a3"];

export class Timeline {
  // callbacks: {seek(n), picked(mark), moved(mark, values), wants(first, last, points)}
  constructor(canvas, recording, callbacks) {
    Object.assign(this, { canvas, recording, callbacks });
    this.view = [0, Math.max(1, recording.frames - 1)];
    this.marks = new Spans([]);
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

  arrange({ movement, events, gaps, floor, hidden, faces }) {  // what an analysis gives, without hidden kinds
    this.events = events.filter((one) => !hidden.has(one.kind));
    this.kinds = KINDS.filter((kind) => this.events.some((one) => one.kind === kind));
    Object.assign(this, { gaps, floor, faces });
    Object.assign(this.lanes, { movement: movement ? MOVEMENT : 0, events: EVENT * this.kinds.length, model: Math.max(LANES.model, FACE * faces.faces.length) });
    this.heighten();
  }

  heighten() {  // as high as its lanes, which the picture above makes room for
    const high = `${Object.values(this.lanes).reduce((sum, one) => sum + one) + ROOM}px`;
    this.canvas.style.height = high;
    this.canvas.closest(".review")?.style.setProperty("--timeline", high);
    this.draw();
  }

  code(tiers, codes) {  // what was coded on the tiers of the scheme
    this.coded = { tiers, codes };
    this.lanes.codes = TIER * tiers.length;
    this.heighten();
  }

  top(name) {  // of a lane
    const names = Object.keys(this.lanes);
    return names.slice(0, names.indexOf(name)).reduce((sum, one) => sum + this.lanes[one], 0);
  }

  show(marks, picked) {
    const held = this.hold?.mark;  // what is being dragged stays in the hand
    if (held || marks !== this.marks.marks) {
      this.marks = new Spans(held ? marks.map((mark) => (mark.id === held.id ? held : mark)) : marks);
      this.coders = [...new Set(marks.filter((mark) => mark.source === "human").map((mark) => mark.coder))].sort();
    }
    this.picked = picked?.id ?? null;
    this.draw();
  }

  ask() {  // for the curves of what is visible, and half as much on each side to pan into
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => {
      const [first, last] = this.view, more = (last - first) / 2;
      const from = Math.max(0, Math.round(first - more)), to = Math.min(this.recording.frames - 1, Math.round(last + more));
      const share = (to - from) / Math.max(1, last - first);
      this.callbacks.wants(from, to, Math.min(4000, Math.max(50, Math.round((this.wide ?? 600) * share))));
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

  lane({ source, coder, face_name }) {  // top and height of where a mark lies: every coder has a row, and every face
    if (source !== "human") return this.faces?.row({ face_name }, this.top("model"), this.lanes.model) ?? [this.top("model"), this.lanes.model];
    const rows = Math.min(ROWS, Math.max(1, this.coders.length)), row = Math.max(0, this.coders.indexOf(coder)) % rows;
    return [this.top("human") + (row * this.lanes.human) / rows, this.lanes.human / rows];
  }

  hit(x, y) {  // the mark under a point, and what of it
    for (const mark of this.marks.touching(this.at(x - EDGE) - 1, this.at(x + EDGE) + 1).reverse()) {
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
      this.callbacks.picked(hit.mark);
      this.hold = hit.part === "candidate" ? { part: "candidate" } : { ...hit, from: this.at(event.offsetX), moved: false, was: { ...hit.mark } };
    } else if (event.offsetY < this.lanes.ruler || event.shiftKey) {
      this.hold = { part: "view", x: event.offsetX, view: [...this.view] };
    } else {
      this.hold = { part: "seek" };
      this.callbacks.seek(Math.round(this.at(event.offsetX)));
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
    if (hold.part === "seek") return this.callbacks.seek(Math.round(this.at(event.offsetX)));
    if (hold.part === "view") {
      const by = ((hold.x - event.offsetX) / this.wide) * (hold.view[1] - hold.view[0]);
      return this.look(hold.view[0] + by);
    }
    const by = Math.round(this.at(event.offsetX) - hold.from), { mark, was } = hold;
    const end = this.recording.frames - 1;  // without an apex the edges hold each other
    hold.moved ||= by !== 0;
    if (hold.part === "first") mark.first = Math.min(Math.max(0, was.first + by), was.apex ?? was.last);
    if (hold.part === "last") mark.last = Math.max(Math.min(end, was.last + by), was.apex ?? was.first);
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
    if (event) return t("timeline.event", { kind: word("one", kind), from: clock(event.onset_s), to: clock(event.offset_s) });
    const gap = this.gaps.find((one) => covers([one.first, one.last]));
    return gap ? t("timeline.not_judged", { reason: word("gaps", gap.reason) }) : "";
  }

  up() {
    const { hold } = this;
    this.hold = null;
    if (!hold?.mark || !hold.moved) return;
    const { mark } = hold;
    this.callbacks.moved(mark, { first: mark.first, apex: mark.apex, last: mark.last });
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
    const ctx = this.canvas.getContext("2d");
    const ink = Object.fromEntries(["surface", "text", "quiet", "line", "accent", "soft", "good", "bad", "warn"]
      .map((name) => [name, this.colour(`--${name}`)]));
    ctx.setTransform(this.scale, 0, 0, this.scale, 0, 0);
    ctx.clearRect(0, 0, this.wide, this.high);
    ctx.font = "11px system-ui, sans-serif";
    drawGaps(this, ctx, ink);
    this.drawRuler(ctx, ink);
    this.drawCurves(ctx, ink);
    drawFloor(this, ctx, ink);
    drawLoudness(this, ctx, ink);
    drawEvents(this, ctx, ink);
    drawCodes(this, ctx, ink);
    this.drawn = new Map();
    const held = this.hold?.mark;  // it is no longer where it was
    for (const mark of this.marks.touching(this.at(-3) - 1, this.at(this.wide) + 1)) if (mark !== held && !this.covered(mark)) this.drawMark(ctx, ink, mark);
    if (held) this.drawMark(ctx, ink, held);
    this.drawLanes(ctx, ink);
    const x = this.x(this.frame);
    ctx.fillStyle = ink.bad;
    ctx.fillRect(x - 0.75, 0, 1.5, this.high);
  }

  drawLanes(ctx, ink) {  // whose marks they are; to be read also where marks lie below
    const models = this.faces?.several ? this.faces.faces.map(({ name }) => ({ source: "model", face_name: name, name })) : [{ source: "model", name: t("timeline.model") }];
    const lanes = [...models, ...(this.coders.length ? this.coders.slice(0, ROWS) : [t("timeline.coders")])
      .map((coder) => ({ source: "human", coder, name: coder }))];
    for (const lane of lanes) {
      const [top, height] = this.lane(lane);
      ctx.strokeStyle = ink.line;
      ctx.strokeRect(-1, top, this.wide + 2, height);
      const name = lane.name.slice(0, 12);
      ctx.fillStyle = ink.surface;
      ctx.globalAlpha = 0.8;
      ctx.fillRect(2, top + height / 2 - 6, ctx.measureText(name).width + 4, 12);
      ctx.globalAlpha = 1;
      ctx.fillStyle = ink.quiet;
      ctx.fillText(name, 4, top + height / 2 + 4);
    }
  }

  drawRuler(ctx, ink) {
    const [first, last] = this.view.map((frame) => this.seconds(frame)), span = last - first;
    const step = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800].find((s) => (s / span) * this.wide > 64) ?? 3600;
    ctx.strokeStyle = ink.line;
    ctx.fillStyle = ink.quiet;
    for (let time = Math.ceil(first / step) * step; time <= last; time += step) {
      const x = this.x(this.frameAt(time));
      ctx.beginPath();
      ctx.moveTo(x, this.lanes.ruler - 5);
      ctx.lineTo(x, this.high);
      ctx.stroke();
      ctx.fillText(clock(time, step < 1 ? 2 : 0), x + 3, 12);
    }
  }

  drawCurves(ctx, ink) {
    const lanes = this.lanes;
    let top = lanes.ruler;
    const series = this.curves?.series ?? {};
    this.band(ctx, ink, series.spotting, top, lanes.spotting, 0, 1, ink.accent, t("timeline.spotting"));
    top += lanes.spotting;
    if (lanes.movement) this.band(ctx, ink, series.movement, top, lanes.movement, 0, 1, ink.warn, t("timeline.movement"));
    top += lanes.movement;
    const emotions = Object.keys(series).filter((name) => name.startsWith("emotion:") && !name.endsWith(":neutral"));
    emotions.forEach((name, i) =>
      this.band(ctx, ink, series[name], top, lanes.emotion, 0, 1, COLOURS[i % COLOURS.length], "", true));
    let x = 4;
    emotions.forEach((name, i) => {
      ctx.fillStyle = COLOURS[i % COLOURS.length];
      const shown = word("emotions", name.slice(8));
      ctx.fillText(shown, x, top + 11);
      x += ctx.measureText(shown).width + 10;
    });
    top += lanes.emotion;
    const region = this.region && series[this.region];
    const high = region ? Math.max(0.5, ...region.max.filter((v) => v !== null)) : 1;
    this.band(ctx, ink, region, top, lanes.region, 0, high, ink.quiet, this.regionName ?? "");
  }

  band(ctx, ink, curve, top, height, low, high, colour, label, line = false) {
    ctx.strokeStyle = ink.line;
    ctx.strokeRect(-1, top, this.wide + 2, height);
    if (curve && this.curves.frames.length) {
      const y = (v) => top + height - 2 - ((v - low) / (high - low)) * (height - 6);
      ctx.strokeStyle = ctx.fillStyle = colour;
      ctx.globalAlpha = 0.9;
      ctx.beginPath();
      let open = false;
      this.curves.frames.forEach((frame, i) => {
        const [small, big] = [curve.min[i], curve.max[i]];
        if (big === null || big === undefined) { open = false; return; }
        const x = this.x(frame);
        if (open) ctx.lineTo(x, y(big)); else ctx.moveTo(x, y(big));
        if (!line && small !== big) { ctx.lineTo(x, y(small)); ctx.lineTo(x, y(big)); }
        open = true;
      });
      ctx.lineWidth = 1.4;
      ctx.stroke();
      ctx.lineWidth = 1;
      ctx.globalAlpha = 1;
    }
    if (label) { ctx.fillStyle = ink.quiet; ctx.fillText(label, 4, top + 11); }
  }

  covered(mark) {  // one of many on the same pixel is enough, and none outside
    const left = Math.round(this.x(mark.first)), right = this.x(mark.last + 1);
    if (right < 0 || left > this.wide) return true;
    if (right - left > 3 || mark.id === this.picked) return false;
    const where = mark.status + (mark.source === "model" ? "" : mark.coder), before = this.drawn.get(where);
    this.drawn.set(where, left);
    return before === left;
  }

  drawMark(ctx, ink, mark) {
    const [top, height] = this.lane(mark);
    const left = this.x(mark.first), right = this.x(mark.last + 1);
    const width = Math.max(3, right - left);
    const colour = { confirmed: ink.good, rejected: ink.bad, own: ink.accent, fainter: ink.quiet, explained: ink.quiet }[mark.status] ?? ink.warn;
    const room = height > 20 ? 4 : 1;
    if (mark.changed && mark.original) this.drawOriginal(ctx, ink, mark.original, top + room, height - 2 * room);
    ctx.fillStyle = colour;
    ctx.globalAlpha = mark.status === "rejected" || mark.source === "candidate" ? 0.25 : 0.55;
    ctx.fillRect(left, top + room, width, height - 2 * room);
    ctx.globalAlpha = 1;
    ctx.strokeStyle = mark.id === this.picked ? ink.text : colour;
    ctx.lineWidth = mark.id === this.picked ? 2.5 : 1;
    ctx.strokeRect(left, top + room, width, height - 2 * room);
    ctx.lineWidth = 1;
    if (mark.apex !== null) {
      ctx.fillStyle = ink.text;
      ctx.fillRect(this.x(mark.apex + 0.5) - 0.75, top + room, 1.5, height - 2 * room);
    }
    if (width > 50 && !mark.explained_by) {  // what an event explains has no emotion
      ctx.fillStyle = ink.text;
      ctx.fillText(mark.emotion ? word("emotions", mark.emotion) : "?", left + 4, top + height / 2 + 4);
    }
  }

  drawOriginal(ctx, ink, { first, last }, top, height) {  // what the model said, before a coder
    ctx.strokeStyle = ink.quiet;
    ctx.setLineDash([3, 3]);
    ctx.strokeRect(this.x(first), top, this.x(last + 1) - this.x(first), height);
    ctx.setLineDash([]);
  }
}
