// Keys of the review.  A key does nothing while somebody types into a field.

const COMMANDS = {
  " ": "play", k: "pause", l: "forward", j: "backward", ArrowLeft: "frame_back", ArrowRight: "frame_on",
  ArrowUp: "second_back", ArrowDown: "second_on", n: "next_mark", p: "previous_mark", i: "onset", o: "offset", a: "apex",
  Enter: "confirm", Backspace: "reject", z: "undo", r: "loop", q: "slow_loop", v: "overlay", s: "slower",
  "+": "zoom_in", "-": "zoom_out", 0: "zoom_all", Escape: "leave", "?": "help",
};

// Rows of the help: what stands on the keys, and the key of the words for it.
export const KEYS = [
  ["space", "play"], ["frames", "frame"], ["seconds", "second"], ["jkl", "jkl"], ["np", "next_mark"], ["io", "onset"], ["a", "apex"],
  ["digits", "emotion"], ["enter", "confirm"], ["backspace", "reject"], ["z", "undo"], ["r", "loop"], ["q", "slow_loop"], ["s", "slower"],
  ["v", "overlay"], ["zoom", "zoom"], ["escape", "leave"], ["question", "help"],
];

export function listen(actions, emotions) {
  const handler = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const { target } = event;
    if (target.closest?.("input, textarea, select")) {
      if (event.key === "Escape") target.blur();
      return;
    }
    // Enter on a mark of the list confirms it: a click has chosen it already.
    const listed = event.key === "Enter" && target.closest?.(".marks");
    if ((event.key === " " || event.key === "Enter") && !listed && target.closest?.("button, a, summary")) return;
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const action = /^[1-7]$/.test(name) ? () => actions.emotion(emotions[name - 1]) : actions[COMMANDS[name]];
    if (!action) return;
    event.preventDefault();
    action();
  };
  document.addEventListener("keydown", handler);
  return () => document.removeEventListener("keydown", handler);
}
