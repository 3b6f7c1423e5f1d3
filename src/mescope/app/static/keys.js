// Keys of the review.  A key does nothing while somebody types into a field.

export const KEYS = [
  ["Space", "play or pause"], ["← →", "one frame"], ["↑ ↓", "one second"],
  ["J K L", "play backward, pause, play"], ["N P", "next, previous mark"],
  ["I O", "set onset, offset here; without a mark (Esc) begin and end one of your own"], ["A", "set apex here"],
  ["1 – 7", "emotion"], ["Enter", "confirm"], ["Backspace", "reject or remove"], ["Z", "undo"],
  ["R", "loop the mark"], ["Q", "loop it at ¼ speed"], ["S", "slower, by halves, and back to full speed"], ["V", "landmarks, regions, motion"], ["M", "sound on or off"], ["+ − 0, Shift ← →", "on the picture (click it): closer, farther, all, move"], ["+ − 0", "zoom in, out, show all"], ["Esc", "leave the mark or field"], ["?", "this help"],
];

export function listen(actions) {
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
    const action = /^[1-7]$/.test(name) ? () => actions.emotion(Number(name)) : actions[name];
    if (!action) return;
    event.preventDefault();
    action();
  };
  document.addEventListener("keydown", handler);
  return () => document.removeEventListener("keydown", handler);
}
