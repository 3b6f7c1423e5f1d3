// What keys do in the review of a recording, by the name of the command.

import { say } from "./dom.js";
import { t } from "./words.js";

const SPEEDS = [1, 0.5, 0.25, 0.125];

export function commands(review) {
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
    confirm: () => review.picked && review.picked.source !== "human" && review.judge("confirm", review.picked),
    reject: () => review.picked && review.judge(review.picked.source === "human" ? "remove" : "reject", review.picked),
    undo: () => judging.undo(), loop: () => review.toggleLoop(), slow_loop: () => review.slowLoop(), overlay: () => review.toggleOverlay(),
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
  const place = (part) => {  // what changes nothing confirms nothing
    const frame = review.now();
    if (review.picked[part] === frame) return say(t("commands.here_already", { what: t(`commands.${part}`) }));
    return review.judge("edit", review.picked, { [part]: frame });
  };
  return {
    onset() {
      // Behind the end of a mark no onset of it can be: another one begins.
      if (review.picked && review.now() <= review.picked.last) return place("first");
      if (review.picked) review.pick(null);
      review.begun = { first: review.now(), apex: null };
      return say(t("commands.begun", { frame: review.now() }));
    },
    apex() {
      if (review.picked) return place("apex");
      if (!review.begun) return say(t("commands.onset_first"));
      review.begun.apex = review.now();
      return say(t("commands.apex_at", { frame: review.now() }));
    },
    offset() {
      if (review.picked) return place("last");
      if (review.begun === null) return say(t("commands.onset_first"));
      const [first, last] = [review.begun.first, review.now()].sort((a, b) => a - b), { apex: top } = review.begun;
      const fits = top === null || (top >= first && top <= last);
      review.begun = null;
      if (!fits) say(t("commands.apex_outside", { apex: top, first, last }), 12);
      return review.judging.act("add", null, { first, apex: fits ? top : null, last });
    },
  };
}
