// All words of the page, from one file: words.json, or the translation that the server was given.
//
// t("panel.confirm") are the words of a key, with {name} filled in; word("states", "own") are those
// of a name that programs know, or the name itself where nobody gave it words.

const words = await (await fetch("words.json")).json();
export const { language } = words;
const plural = new Intl.PluralRules(language);

export function t(key, values = {}) {
  const [part, name] = key.split(".");
  let text = words[part][name];
  if (typeof text === "object") text = text[plural.select(values.n)] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (_, one) => String(values[one]));
}

export const word = (part, name) => words[part]?.[name] ?? name;
