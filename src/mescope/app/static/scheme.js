// The code scheme of the project: tiers, codes, words and keys; saved, shared and taken in as a file.

import { api } from "./api.js";
import { fail, make, put, say } from "./dom.js";
import { namesOf, showKey } from "./keys.js";
import { t, word } from "./words.js";

export async function showScheme(main, { project, changed }) {
  const page = new SchemePage(project.scheme, await api.templates(), changed);
  main.replaceChildren(page.element);
  return () => {};
}

const choice = () => ({ name: "", key: null, meaning: "" });

class SchemePage {
  constructor(scheme, templates, changed) {
    this.changed = changed;
    this.learn(scheme);
    this.body = make("div", { class: "scheme" });
    this.said = make("p", { role: "status", class: "quiet", id: "scheme-said" });
    const file = make("input", { type: "file", id: "scheme-file", class: "away", accept: ".json" });
    file.addEventListener("change", async () => {
      const [one] = file.files;
      file.value = "";
      if (one) await this.send(await one.text(), one.name);
    });
    const begin = make("select", { id: "template", "aria-label": t("scheme.template"), onchange: () => {
      const one = templates[Number(begin.value)];
      if (one) { this.scheme = { ...structuredClone(one), keys: { ...this.scheme.keys, ...one.keys } }; this.show(); }
      begin.value = "";
    } }, make("option", { value: "" }, t("scheme.template")), ...templates.map((one, i) => make("option", { value: String(i) }, one.name)));
    this.element = make("div", {},
      make("h1", {}, t("scheme.title")), make("p", { class: "quiet" }, t("scheme.about")),
      make("div", { class: "row tools" },
        make("button", { type: "button", class: "main", id: "scheme-save", onclick: () => this.send(JSON.stringify(this.scheme)) }, t("scheme.save")),
        begin, make("label", { class: "button" }, t("scheme.take_in"), file),
        make("a", { class: "button", href: api.schemeUrl, download: "scheme.json" }, t("scheme.as_file")), this.said),
      this.body);
    this.show();
  }

  learn(scheme) { ({ version: this.version, ...this.scheme } = structuredClone(scheme)); }

  async send(text, name = "") {
    try {
      const found = await api.setScheme(text, this.version);
      this.learn(found);
      this.changed(found);
      this.show();
      put(this.said, t("scheme.saved"));
    } catch (error) { fail(name ? `${name}: ${error.message}` : error.message); }
  }

  show() {
    const { scheme } = this;
    this.body.replaceChildren(
      make("label", { class: "row" }, t("scheme.name"), this.text(scheme, "name", { id: "scheme-name" })),
      ...scheme.tiers.map((tier, i) => this.tier(tier, i)),
      make("button", { type: "button", id: "tier-add", onclick: () => this.add(scheme.tiers, { name: "", kind: "state", exclusive: true, codes: [choice()], modifiers: [] }) }, t("scheme.add_tier")),
      this.group(t("scheme.emotions"), scheme.emotions, "emotions"), this.group(t("scheme.reasons"), scheme.reasons, "reasons"));
  }

  group(title, list, part) {
    return make("details", { class: "card" }, make("summary", {}, title), this.choices(list, part));
  }

  tier(tier, i) {
    const kind = make("select", { "aria-label": t("scheme.kind"), onchange: () => { tier.kind = kind.value; } },
      ...["state", "point"].map((one) => make("option", { value: one, selected: one === tier.kind }, word("tier_kinds", one))));
    const alone = make("input", { type: "checkbox", onchange: () => { tier.exclusive = alone.checked; } });
    alone.checked = tier.exclusive;
    return make("fieldset", { class: "card tier" }, make("legend", {}, tier.name || t("scheme.new_tier")),
      make("div", { class: "row" }, this.text(tier, "name", { "aria-label": t("scheme.tier_name"), placeholder: t("scheme.tier_name") }), kind,
        make("label", { class: "tick" }, alone, t("scheme.exclusive")), this.out(this.scheme.tiers, i, tier.name)),
      make("h3", {}, t("scheme.codes")), this.choices(tier.codes, "codes"),
      make("h3", {}, t("scheme.modifiers")),
      ...tier.modifiers.map((one, n) => make("div", { class: "modifier" },
        make("div", { class: "row" }, this.text(one, "name", { "aria-label": t("scheme.modifier_name"), placeholder: t("scheme.modifier_name") }), this.out(tier.modifiers, n, one.name)),
        this.choices(one.values, "codes"))),
      make("button", { type: "button", onclick: () => this.add(tier.modifiers, { name: "", values: [choice()] }) }, t("scheme.add_modifier")));
  }

  choices(list, part) {
    return make("div", {}, make("ul", { class: "choices" }, ...list.map((one, i) => make("li", { class: "row" },
      this.text(one, "name", { "aria-label": t("scheme.word"), placeholder: t("scheme.word"), title: word(part, one.name) }), this.key(one),
      this.text(one, "meaning", { "aria-label": t("scheme.meaning"), placeholder: t("scheme.meaning"), class: "meaning" }), this.out(list, i, one.name)))),
    make("button", { type: "button", onclick: () => this.add(list, choice()) }, t("scheme.add_word")));
  }

  key(one) {  // a field that shows the key that is pressed in it
    const field = make("input", { class: "key", readonly: true, "aria-label": t("scheme.key_of", { name: one.name }), placeholder: t("scheme.key"), onkeydown: (event) => {
      if (event.key === "Tab" || event.key === "Shift" || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      one.key = ["Backspace", "Delete"].includes(event.key) ? null : namesOf(event)[0];
      field.value = showKey(one.key);
    } });
    field.value = showKey(one.key);
    return field;
  }

  text(one, name, attributes) {
    const field = make("input", { maxlength: name === "meaning" ? "500" : "64", autocomplete: "off", ...attributes, oninput: () => { one[name] = field.value.trim(); } });
    field.value = one[name];
    return field;
  }

  out(list, i, name) {
    return make("button", { type: "button", "aria-label": t("scheme.remove", { name }), onclick: () => { list.splice(i, 1); this.show(); } }, "×");
  }

  add(list, one) {
    list.push(one);
    this.show();
    say(t("scheme.added"));
  }
}
