// The marks of a recording: of each a row, of those around the chosen one everything.
//
// A recording of hours has a hundred thousand of them.  What the list, the timeline and the keys
// need of each comes at once; why the model proposed a mark, its action units and notes come for
// those that somebody looks at, before they get there.

import { api } from "./api.js";

const AROUND = 60;  // marks on each side of the chosen one that are asked for
const NEAR = 20;    // as soon as one so near to it is not known whole
const LATER = 1000;  // ms until it is tried again

const rank = ({ source }) => (source === "model" ? 0 : 1);
const inOrder = (a, b) => a.first - b.first || a.last - b.last || rank(a) - rank(b) || (a.id < b.id ? -1 : 1);

export class KnownMarks {
  // callbacks: {changed(): more is known of some marks, behind(): the server has later ones}
  constructor(id, callbacks) {
    Object.assign(this, { id, callbacks, revision: 0, reviewed: false, finished: [], list: [] });
    this.old = new Set();  // ids of those that were whole before, and may have another note now
  }

  close() { clearTimeout(this.waiting); this.closed = true; }

  find(id) { return this.list.find((mark) => mark.id === id); }

  // Takes over rows, all marks, or what one judgement changed; says whether it was news.
  take(answer) {
    if (answer.revision < this.revision) return false;  // it was overtaken
    if (answer.removed) this.change(answer);
    else if (answer.fields) this.takeRows(answer);
    else {
      this.old.clear();
      this.list = [...answer.detections, ...answer.annotations].sort(inOrder);
    }
    this.revision = answer.revision;
    this.reviewed = Boolean(answer.reviewed);
    this.finished = answer.finished;
    return true;
  }

  change({ detections, annotations, removed }) {
    const found = [...detections, ...annotations], gone = new Set(removed);
    for (const mark of found) gone.add(mark.id);
    for (const id of gone) this.old.delete(id);
    this.list = [...this.list.filter((mark) => !gone.has(mark.id)), ...found].sort(inOrder);
  }

  takeRows({ fields, detections, annotations }) {
    const whole = new Map();
    for (const mark of this.list) if (!mark.short) whole.set(mark.id, mark);
    this.old.clear();
    const known = (mark) => {  // what is the same as it was stays, until it is asked for again
      const before = whole.get(mark.id);
      if (!before || !alike(before, mark)) return mark;
      this.old.add(mark.id);
      return before;
    };
    const made = maker(fields);
    this.list = [...detections.map((row) => known(made(row, "model"))), ...annotations.map((row) => known(made(row, "human")))].sort(inOrder);
  }

  lacks(mark) { return mark.short || this.old.has(mark.id); }

  // Has the marks around a place of the list of those shown made whole.
  async look(shown, at) {
    const around = (n) => shown.slice(Math.max(0, at - n), at + n + 1).filter((mark) => this.lacks(mark));
    if (this.asking || !around(NEAR).length) return;
    this.asking = true;
    let found = null;
    try { found = await api.someMarks(this.id, around(AROUND).map((mark) => mark.id)); } catch { /* again later */ }
    this.asking = false;
    if (this.closed) return;
    if (found?.revision === this.revision) {
      this.change(found);
      this.callbacks.changed();
    } else if (found?.revision > this.revision) this.callbacks.behind();
    else {  // no answer, or one that was overtaken
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => this.callbacks.changed(), LATER);
    }
  }
}

function maker(fields) {  // rows name no values
  const [id, first, apex, last, emotion, confidence, status, coder, changed, face, onset, offset, proposed] = ["id", "first", "apex", "last",
    "emotion", "confidence", "status", "coder", "changed", "face", "onset_s", "offset_s", "proposed"].map((name) => fields.indexOf(name));
  return (row, source) => ({
    id: row[id], first: row[first], apex: row[apex], last: row[last], emotion: row[emotion], confidence: row[confidence], status: row[status],
    coder: row[coder], changed: row[changed], face: row[face] ?? undefined, onset_s: row[onset], offset_s: row[offset],
    original: row[proposed] && { first: row[proposed][0], last: row[proposed][1] }, source, short: true,
  });
}

const alike = (a, b) => ["first", "apex", "last", "emotion", "confidence", "status", "coder", "changed", "face"].every((name) => a[name] === b[name]);
