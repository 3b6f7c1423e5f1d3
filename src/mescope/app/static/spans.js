// Which of very many marks touch a stretch of frames, without a look at each.

export class Spans {
  constructor(marks) {  // in order of their first frames
    this.marks = marks;
    this.firsts = new Int32Array(marks.length);
    this.reaches = new Int32Array(marks.length);  // the last frame of any mark so far
    let reach = -1;
    for (let k = 0; k < marks.length; k++) {
      this.firsts[k] = marks[k].first;
      this.reaches[k] = reach = Math.max(reach, marks[k].last);
    }
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
