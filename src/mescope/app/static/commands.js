// What keys do in the review of a recording.

import { fail, say } from "./dom.js";
import { listen, showKey } from "./keys.js";
import { t } from "./words.js";

export const SPEEDS = [1, 0.5, 0.25, 0.125];

export function hear(review) {  // returns what ends it
  const { coding } = review, known = commands(review), hold = new Hold(review);
  const heard = (meaning, down) => {
    const { what, name } = meaning;
    if (what === "code" || what === "modifier") return coding.key(meaning, down);
    if (name === "hold" && what === "command") return hold.key(down);
    if (!down) return null;
    return what === "command" ? known[name]() : known[what](name);
  };
  const leave = () => { hold.end(); coding.endHeld(); };
  const stop = listen(review.project.scheme, heard, leave);
  return () => { leave(); stop(); };
}

class Hold {  // an expression from a key that goes down to the same coming up, while it plays
  constructor(review) { Object.assign(this, { review, first: null, held: false }); }

  key(down) {
    if (!down) return this.held && this.end();
    if (this.first !== null) return this.end();
    this.first = this.review.now();
    this.held = Boolean(this.review.player.playing);
    return this.held || say(t("commands.hold_begun", { frame: this.first }));
  }

  end() {
    if (this.first === null) return;
    const [first, last] = [this.first, this.review.now()].sort((a, b) => a - b);
    Object.assign(this, { first: null, held: false });
    this.review.add({ first, apex: null, last });
  }
}

function commands(review) {
  const { player, judging, timeline } = review;
  const second = Math.max(1, Math.round(review.recording.rate));
  const edit = (values) => review.picked && review.judge("edit", review.picked, values);
  return {
    play: () => player.toggle(), pause: () => player.pause(), forward: () => player.play(1), backward: () => player.play(-1),
    frame_back: () => player.step(-1), frame_on: () => player.step(1),
    second_back: () => player.step(-second), second_on: () => player.step(second),
    next_mark: () => jump(review, 1), previous_mark: () => jump(review, -1),
    ...marking(review),
    emotion: (name) => edit({ emotion: name }),
    reason: (name) => review.picked && (review.picked.source === "model" ? review.judge("reject", review.picked, { reason: name }) : say(t("commands.not_of_model"))),
    units: () => review.askUnits(),
    confirm: () => review.picked && review.picked.source !== "human" && review.judge("confirm", review.picked),
    reject: () => review.picked && review.judge(review.picked.source === "human" ? "remove" : "reject", review.picked),
    undo: () => judging.undo(), loop: () => review.toggleLoop(), slow_loop: () => review.slowLoop(), overlay: () => review.toggleOverlay(), sound: () => review.hearing.toggle(),
    slower: () => review.setSpeed(SPEEDS[(SPEEDS.indexOf(player.speed) + 1) % SPEEDS.length]),
    zoom_in: () => timeline.zoom(0.6), zoom_out: () => timeline.zoom(1.7), zoom_all: () => timeline.look(0, review.recording.frames),
    leave: () => { review.begun = null; review.pick(null); },
    help: () => document.getElementById("help").showModal(),
  };
}

// To the mark after or before the chosen one, or after or before where the player is elsewhere.
function jump(review, by) {
  const marks = review.shown(), { frame } = review.player, { picked } = review;
  const here = picked && frame >= picked.first && frame <= picked.last ? marks.findIndex((one) => one.id === picked.id) : -1;
  const next = here >= 0 ? marks[here + by]
    : by > 0 ? marks.find((one) => one.first > frame) : marks.findLast((one) => one.first < frame);
  if (next) review.pick(next, true);
}

function marking(review) {  // onset, apex and offset: of the chosen mark, or of one that begins
  const keys = Object.fromEntries(["onset", "apex", "offset", "leave"].map((name) => [name, showKey(review.project.scheme.keys[name])]));
  const place = (part) => {  // what changes nothing confirms nothing
    const frame = review.now();
    if (review.picked[part] === frame) return say(t("commands.here_already", { what: t(`commands.${part}`), ...keys }));
    return review.judge("edit", review.picked, { [part]: frame });
  };
  return {
    onset() {
      // Behind the end of a mark no onset of it can be: another one begins.
      if (review.picked && review.now() <= review.picked.last) return place("first");
      if (review.picked) review.pick(null);
      review.begun = { first: review.now(), apex: null };
      return say(t("commands.begun", { frame: review.now(), ...keys }));
    },
    apex() {
      if (review.picked) return place("apex");
      if (!review.begun) return say(t("commands.onset_first", keys));
      review.begun.apex = review.now();
      return say(t("commands.apex_at", { frame: review.now(), ...keys }));
    },
    offset() {
      if (review.picked) return place("last");
      if (review.begun === null) return say(t("commands.onset_first", keys));
      const [first, last] = [review.begun.first, review.now()].sort((a, b) => a - b), { apex: top } = review.begun;
      const fits = top === null || (top >= first && top <= last);
      review.begun = null;
      if (!fits) fail(t("commands.apex_outside", { frame: top, first, last, ...keys }));
      return review.add({ first, apex: fits ? top : null, last });
    },
  };
}
