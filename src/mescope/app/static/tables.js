// Tables of figures, as the pages of agreement and of studies show them.

import { make } from "./dom.js";

export const NONE = "–";
export const figure = (value) => (value === null || value === undefined ? NONE : value.toFixed(2));

export const heads = (...texts) => make("thead", {}, make("tr", {}, ...texts.map((text) => make("th", { scope: "col" }, text))));

export const line = (name, cells, attributes = {}) =>
  make("tr", attributes, make("th", { scope: "row" }, name), ...cells.map((cell) => make("td", {}, cell instanceof Node ? cell : String(cell ?? NONE))));

export const scroll = (label, ...inner) => make("div", { class: "scroll", role: "region", "aria-label": label, tabindex: "0" }, ...inner);
