// Looking closer at a picture: wheel, pinch and drag, or + − 0 and Shift with an arrow while the
// picture has the focus.  What is drawn on the picture is part of it and stays where it belongs.

import { make, put } from "./dom.js";
import { t } from "./words.js";

const MOST = 16, STEP = 1.25, SHIFT = 0.1;  // of what is seen
const PIXELS = 4;  // from here on single pixels are shown as such
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class PictureZoom {
  // screens: elements that show a canvas each, all of one size; changed(scale)
  constructor(screens, changed) {
    Object.assign(this, { screens, changed });
    this.scale = 1;
    this.left = this.top = 0;      // of what is seen, shares of the picture
    this.held = new Map();         // pointer -> [x, y], px of the screen
    for (const screen of screens) {
      screen.tabIndex = 0;
      screen.setAttribute("role", "group");
      screen.setAttribute("aria-label", t("zoom.screen"));
      for (const [name, what] of [["pointerdown", "down"], ["pointermove", "move"], ["pointerup", "up"], ["pointercancel", "up"], ["keydown", "key"]]) {
        screen.addEventListener(name, (event) => this[what](event, screen));
      }
      screen.addEventListener("wheel", (event) => this.wheel(event, screen), { passive: false });
    }
    this.output = make("output", { id: "picture-scale" }, "1.0×");
    this.element = make("span", { class: "row" },
      make("button", { type: "button", id: "picture-farther", title: t("zoom.farther"), "aria-label": t("zoom.farther"), onclick: () => this.zoom(1 / STEP) }, "⊖"),
      this.output,
      make("button", { type: "button", id: "picture-closer", title: t("zoom.closer"), "aria-label": t("zoom.closer"), onclick: () => this.zoom(STEP) }, "⊕"),
      make("button", { type: "button", id: "picture-whole", onclick: () => this.whole() }, t("zoom.whole")));
    this.apply();
  }

  whole() { this.look(1, 0, 0); }

  zoom(factor, x = 0.5, y = 0.5) {  // what lies at shares x, y of the screen stays there
    const scale = Math.min(MOST, Math.max(1, this.scale * factor));
    this.look(scale, this.left + x / this.scale - x / scale, this.top + y / this.scale - y / scale);
  }

  look(scale, left, top) {
    const room = 1 - 1 / scale, before = this.scale;
    this.scale = scale;
    this.left = Math.min(room, Math.max(0, left));
    this.top = Math.min(room, Math.max(0, top));
    this.apply();
    if (scale !== before) this.changed(scale);
  }

  apply() {
    const { scale, left, top } = this;
    for (const screen of this.screens) {
      const canvas = screen.querySelector("canvas");
      canvas.style.transform = scale === 1 ? "" : `scale(${scale}) translate(${-100 * left}%, ${-100 * top}%)`;
      canvas.classList.toggle("pixels", scale >= PIXELS);
      screen.classList.toggle("zoomed", scale > 1);
    }
    put(this.output, `${scale.toFixed(1)}×`);
  }

  share({ clientX, clientY }, screen) {
    const box = screen.getBoundingClientRect();
    return [(clientX - box.left) / box.width, (clientY - box.top) / box.height];
  }

  wheel(event, screen) {
    if (this.scale === 1 && event.deltaY > 0) return;  // the page scrolls
    event.preventDefault();
    this.zoom(event.deltaY > 0 ? 1 / STEP : STEP, ...this.share(event, screen));
  }

  key(event, screen) {
    if (event.target !== screen || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = {
      "+": () => this.zoom(STEP), "-": () => this.zoom(1 / STEP), 0: () => this.whole(),
    }[event.key] ?? (event.shiftKey && ARROWS[event.key] && (() => {
      const [x, y] = ARROWS[event.key];
      this.look(this.scale, this.left + (SHIFT * x) / this.scale, this.top + (SHIFT * y) / this.scale);
    }));
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();  // the same keys zoom the timeline elsewhere
    act();
  }

  down(event, screen) {
    if (event.button) return;
    this.held.set(event.pointerId, this.share(event, screen));
  }

  move(event, screen) {
    const before = this.held.get(event.pointerId);
    if (!before || (this.scale === 1 && this.held.size === 1)) return;
    screen.setPointerCapture(event.pointerId);  // not before: a click is none of ours
    const now = this.share(event, screen);
    const other = [...this.held.entries()].find(([id]) => id !== event.pointerId)?.[1];
    this.held.set(event.pointerId, now);
    const pan = other ? 0.5 : 1;  // of two fingers the middle moves
    this.look(this.scale, this.left - (pan * (now[0] - before[0])) / this.scale, this.top - (pan * (now[1] - before[1])) / this.scale);
    if (!other) return;
    const { width, height } = screen.getBoundingClientRect();
    const apart = ([x, y]) => Math.hypot((x - other[0]) * width, (y - other[1]) * height);
    this.zoom(apart(now) / Math.max(1, apart(before)), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
  }

  up(event) { this.held.delete(event.pointerId); }
}
