// Which of very many marks touch a stretch of frames, without a look at each.

export class Spans {
  constructor(marks) {  // in order of their first frames
    this.marks = marks;
    this.firsts = Int32Array.from(marks, (mark) => mark.first);
    let reach = -1;  // the last frame of any mark so far
    this.reaches = Int32Array.from(marks, (mark) => (reach = Math.max(reach, mark.last)));
  }

  // Those that may touch frames from..to, in order; some others may be among them.
  touching(from, to) { return this.marks.slice(place(this.reaches, from), place(this.firsts, to + 1)); }
}

function place(values, wanted) {  // of the first one that is not less
  let low = 0, high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < wanted) low = middle + 1; else high = middle;
  }
  return low;
}
