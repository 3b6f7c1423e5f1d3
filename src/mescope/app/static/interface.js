// What programs may ask of the server: its own description (OpenAPI), as a page.

import { api } from "./api.js";
import { make } from "./dom.js";
import { t } from "./words.js";

export async function showInterface(main) {
  const found = await api.interface();
  main.replaceChildren(make("h1", {}, t("interface.title")),
    make("p", {}, `${found.info.description} `, make("a", { href: "openapi.json" }, "openapi.json"), t("interface.describes")),
    ...Object.entries(found.paths).flatMap(([path, methods]) => Object.entries(methods).map(([method, entry]) => one(path, method, entry))));
  return () => {};
}

function one(path, method, entry) {
  const words = (entry.description ?? "").replaceAll("``", "");
  const body = entry.requestBody?.content ?? {}, schema = body["application/json"]?.schema;
  return make("details", { class: "card route" },
    make("summary", {}, make("code", {}, `${method.toUpperCase()} ${path}`), make("span", {}, firstOf(words))),
    make("p", {}, words),
    entry.parameters?.length && table(entry.parameters.map(({ name, in: where, required, schema: kind, description }) =>
      [name, where, required ? t("interface.required") : "", kindOf(kind), description ?? kind.description ?? ""])),
    "application/octet-stream" in body && make("p", {}, t("interface.body_file")),
    schema && make("p", {}, t("interface.body_json")),
    schema && table(Object.entries(schema.properties ?? {}).map(([name, kind]) =>
      [name, "", schema.required?.includes(name) ? t("interface.required") : "", kindOf(kind), kind.description ?? ""])));
}

// The first sentence; a dot within brackets ends none.
const firstOf = (words) => words.split(/\n\n|\.(?:\s|$)/)[0].replaceAll("`", "");

const kindOf = ({ type, anyOf, enum: values, minimum, maximum }) =>
  [values?.join(" | ") ?? anyOf?.map(kindOf).filter((word) => word !== "null").join(t("interface.or")) ?? type ?? t("interface.any"),
    minimum !== undefined && maximum !== undefined && maximum < 1e9 ? t("interface.range", { minimum, maximum }) : ""].filter(Boolean).join(", ");

const table = (rows) => make("div", { class: "scroll" }, make("table", { class: "table words" },
  make("tbody", {}, ...rows.map(([name, ...rest]) => make("tr", {}, make("th", { scope: "row" }, name), ...rest.map((word) => make("td", {}, word)))))));
