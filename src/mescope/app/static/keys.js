// Keys of the review: what each means in the code scheme, and who hears it.
//
// A key does nothing while somebody types into a field.  What lasts as long as a key is held
// (coding while it plays) is told of both, the key going down and coming up.

import { t, word } from "./words.js";

const SHOWN = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", "-": "−" };
const TYPED = "input:not([type=range],[type=checkbox]),textarea,select";
const MOUSED = "textarea,select,input[type=range],input[type=checkbox]";  // left alone once a mouse has set them
const KEPT_BY = { range: /^(Arrow|Page|Home|End)/, checkbox: /^Space$/ };  // keys of fields that nobody types into

// The names of a key, the most particular first: a layout may need Shift for + or for digits.
export function namesOf(event) {
  const { key, code, shiftKey } = event, plain = key === " " ? "Space" : key.length === 1 ? key.toLowerCase() : key;
  const digit = /^Digit(\d)$/.exec(code ?? "")?.[1];
  if (!shiftKey || /^\d$/.test(plain)) return [plain];
  if (/^[a-z]$/.test(plain)) return [`Shift+${plain}`, plain];
  return digit ? [plain, `Shift+${digit}`] : [plain];
}

export function showKey(name) {  // as it stands on the keyboard
  if (!name) return "";
  const [, shift, key] = /^(Shift\+)?(.+)$/.exec(name);
  return `${shift ? "⇧" : ""}${SHOWN[key] ?? (key.length === 1 ? key.toUpperCase() : word("key", key))}`;
}

// Key to meaning: {what: command, emotion, reason, code or modifier, …}.
export function meanings(scheme) {
  const found = new Map(), add = (key, meaning) => { if (key) found.set(key, meaning); };
  for (const [name, key] of Object.entries(scheme.keys)) add(key, { what: "command", name });
  for (const { name, key } of scheme.emotions) add(key, { what: "emotion", name });
  for (const { name, key } of scheme.reasons) add(key, { what: "reason", name });
  for (const tier of scheme.tiers) {
    for (const { name, key } of tier.codes) add(key, { what: "code", tier, name });
    for (const modifier of tier.modifiers) for (const { name, key } of modifier.values) add(key, { what: "modifier", tier, modifier: modifier.name, name });
  }
  return found;
}

// heard(meaning, down) is told of every key that means something; leave() when no key can be up again.
export function listen(scheme, heard, leave) {
  const known = meanings(scheme), held = new Map();  // by place on the keyboard: Shift may come up first
  const down = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const { target } = event;
    if (target.closest?.(TYPED)) {
      if (event.key === "Escape") target.blur();
      return;
    }
    const name = namesOf(event).find((one) => known.has(one));
    if (!name || KEPT_BY[target.type]?.test(name)) return;
    // Enter on a mark of the list confirms it: a click has chosen it already.
    const listed = name === "Enter" && target.closest?.(".marks");
    if ((name === "Space" || name === "Enter") && !listed && target.closest?.("button, a, summary")) return;
    event.preventDefault();
    const meaning = known.get(name);
    if (event.repeat && (meaning.what !== "command" || meaning.name === "hold")) return;
    held.set(event.code, meaning);
    heard(meaning, true);
  };
  const up = (event) => {
    const meaning = held.get(event.code);
    held.delete(event.code);
    if (meaning) heard(meaning, false);
  };
  const gone = () => { held.clear(); leave(); };
  // What a mouse has pressed is done; the next key is for the review, not for the button again.
  const done = ({ target, type }) => {
    const one = target.closest?.(type === "click" ? "button" : MOUSED);
    if (one && !one.closest(".marks, dialog") && !one.matches(":focus-visible")) one.blur();
  };
  const pairs = [[document, "keydown", down], [document, "keyup", up], [document, "click", done], [document, "change", done], [window, "blur", gone]];
  for (const [where, name, act] of pairs) where.addEventListener(name, act);
  return () => { for (const [where, name, act] of pairs) where.removeEventListener(name, act); };
}

// Rows of the help: {key, words, set(scheme, key)}; set makes a scheme in which it has another key.
export function rows(scheme) {
  const with_ = (path, key) => {
    const copy = structuredClone(scheme);
    path(copy).key = key;
    return copy;
  };
  const group = (list, part, path) => list.map(({ name, key }, i) =>
    ({ key, words: word(part, name), set: (to) => with_((copy) => path(copy)[i], to) }));
  return [
    ...Object.entries(scheme.keys).map(([name, key]) => ({
      key, words: t(`keys.${name}`), set: (to) => ({ ...structuredClone(scheme), keys: { ...scheme.keys, [name]: to } }),
    })),
    ...group(scheme.emotions, "emotions", (copy) => copy.emotions).map((row) => ({ ...row, words: t("keys.emotion", { name: row.words }) })),
    ...group(scheme.reasons, "reasons", (copy) => copy.reasons).map((row) => ({ ...row, words: t("keys.reason", { name: row.words }) })),
    ...scheme.tiers.flatMap((tier, n) => [
      ...group(tier.codes, "codes", (copy) => copy.tiers[n].codes),
      ...tier.modifiers.flatMap((modifier, m) => group(modifier.values, "codes", (copy) => copy.tiers[n].modifiers[m].values)
        .map((row) => ({ ...row, words: `${modifier.name}: ${row.words}` }))),
    ].map((row) => ({ ...row, words: `${tier.name}: ${row.words}` }))),
  ];
}
