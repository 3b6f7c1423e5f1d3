// The curves of the timeline: which there are, those of the chosen face, the region whose motion is drawn.

import { api } from "./api.js";
import { fail, make } from "./dom.js";
import { t, word } from "./words.js";

const REGION = "region:";

export class Curves {
  // arrange(): the timeline is to be laid out anew
  constructor(recording, timeline, faces, arrange) {
    Object.assign(this, { recording, timeline, faces, arrange });
    this.names = null;  // of curves other than those of regions, once they are known
    this.learning = this.loading = 0;  // an answer that another question overtook counts for nothing
    this.box = make("select", { id: "region", onchange: () => this.choose(this.box.value) });
    this.element = make("label", { class: "quiet", hidden: true }, `${t("review.motion_of")} `, this.box);
  }

  async learn() {
    const mine = ++this.learning;
    try {
      const { series } = await api.traces(this.recording.id, 0, this.recording.frames - 1, 1);
      if (mine !== this.learning) return;
      const all = this.faces.series(Object.keys(series)), regions = all.filter((name) => name.startsWith(REGION));
      this.names = all.filter((name) => !name.startsWith(REGION));
      this.box.replaceChildren(...regions.map((name) => make("option", { value: name }, this.words(name))));
      this.element.hidden = !regions.length;
      this.arrange();
      this.choose(regions[0] ?? null);
    } catch (error) { fail(error.message); }
  }

  words(name) {
    const own = name.slice(REGION.length);
    return word("regions", this.recording.region_names?.[own] ?? own);
  }

  choose(name) {
    this.timeline.region = name;
    this.timeline.regionName = name && t("review.motion_of_the", { region: this.words(name) });
    this.timeline.ask();
  }

  async load(first, last, points) {  // of the frames that the timeline shows
    if (!this.names) return;
    const wanted = [...this.names, this.timeline.region].filter(Boolean), mine = ++this.loading;
    try {
      const found = await api.traces(this.recording.id, first, last, points, this.faces.wants(wanted));
      if (mine !== this.loading) return;
      this.timeline.curves = this.faces.plain(found);
      this.timeline.draw();
    } catch (error) { if (mine === this.loading) fail(error.message); }
  }
}
