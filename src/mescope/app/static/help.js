// The keys: shown, and changed by pressing another one.

import { api } from "./api.js";
import { make, put } from "./dom.js";
import { namesOf, rows, showKey } from "./keys.js";
import { t } from "./words.js";

const dialog = document.getElementById("help"), said = document.getElementById("help-said");
let asked = null;  // the row whose key is to be pressed

export function showHelp(scheme, changed) {
  const body = dialog.querySelector("tbody");
  body.replaceChildren(...rows(scheme).map((row) => {
    const key = make("kbd", {}, showKey(row.key) || "–");
    const button = make("button", { type: "button", "aria-label": t("keys.change", { what: row.words }), onclick: () => ask(row, button) }, key);
    return make("tr", {}, make("th", { scope: "row" }, button), make("td", {}, row.words));
  }));

  function ask(row, button) {
    asked = { row, button };
    put(said, t("keys.press", { what: row.words }));
  }

  dialog.onkeydown = async (event) => {
    if (!asked || ["Shift", "Control", "Alt", "Meta", "Tab"].includes(event.key)) return;
    event.preventDefault();
    const { row } = asked, [key] = namesOf(event);
    asked = null;
    if (event.key === "Escape") return put(said, t("keys.kept"));
    try {
      const { version, ...sent } = row.set(key);
      const scheme = await api.setScheme(JSON.stringify(sent), version);
      put(said, t("keys.changed", { what: row.words, key: showKey(key) }));
      changed(scheme);
      showHelp(scheme, changed);
    } catch (error) { put(said, error.message); }
  };
  dialog.onclose = () => { asked = null; put(said, ""); };
  dialog.oncancel = (event) => { if (asked) event.preventDefault(); };
}
