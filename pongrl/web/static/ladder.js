// The tables of an arena: the ladder, and who beat whom.
//
// They change every second. Rows and cells stay where they are, and only what is new in them is written, so that
// nobody who reads or points there loses the place.

import { write } from "/static/words.js";

const MOST = 60; // players in the matrix: more cells make a phone slow
const MANY = 12; // players; with more, a cell has room for one number
export const CROWD = 20; // players whose matrix fits beside the matches
const STRONGEST = 0.45; // of a cell's colour; more would hide its number
const MARGIN = 40; // of the ratings' scale, beside the best and the worst

// Create an element; the text is never read as HTML.
export function create(tag, className = "", text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

export function count(number) {
  return number.toLocaleString("en-GB");
}

// Let an element have so many children: new ones are made at the end.
function fit(parent, size, make) {
  while (parent.children.length > size) {
    parent.lastElementChild.remove();
  }
  while (parent.children.length < size) {
    parent.append(make());
  }
}

export class Ladder {
  constructor(table) {
    this.table = table;
    this.body = table.tBodies[0];
    this.rows = []; // the parts of each row
  }

  show(rows) {
    this.table.hidden = rows.length === 0;
    const scale = scaleOf(rows);
    fit(this.body, rows.length, () => this.createRow());
    this.rows.length = rows.length;
    rows.forEach((row, place) => this.fill(this.rows[place], row, place, scale));
  }

  createRow() {
    const part = Object.fromEntries(
      ["rank", "rating", "tally", "points", "ms", "late"].map((name) => [name, create("td", name)]),
    );
    Object.assign(part, { dot: create("span", "dot"), name: create("bdi"), kind: create("span", "kind") });
    Object.assign(part, { number: create("span", "number"), error: create("span", "error dim") });
    Object.assign(part, { range: create("span", "range"), mark: create("span", "mark") });
    Object.assign(part, { isHere: create("span", "spoken") });
    const bar = create("span", "bar");
    bar.append(part.range, part.mark);
    part.rating.append(part.number, part.error, bar);
    const head = create("th");
    const who = create("div", "who");
    const words = create("span");
    words.append(part.name, part.kind, part.isHere);
    who.append(part.dot, words);
    head.scope = "row";
    head.append(who);
    const row = create("tr");
    row.append(part.rank, head, part.rating, part.tally, part.points, part.ms, part.late);
    this.rows.push({ ...part, row });
    return row;
  }

  fill(part, row, place, { low, high }) {
    part.row.className = row.here ? "is-here" : "";
    write(part.rank, place + 1);
    write(part.dot, row.here ? "●" : "");
    write(part.name, row.name);
    part.kind.className = `kind ${row.kind}`;
    write(part.kind, { house: "★", person: "person" }[row.kind] ?? "");
    write(part.isHere, `${row.kind === "house" ? ", house player" : ""}${row.here ? ", here now" : ""}`);
    write(part.number, row.rating);
    write(part.error, `±${row.error}`);
    const share = (rating) => Math.min(Math.max((rating - low) / (high - low), 0), 1);
    const [from, to] = [share(row.rating - row.error), share(row.rating + row.error)];
    part.range.style.left = `${100 * from}%`;
    part.range.style.width = `${100 * (to - from)}%`;
    part.mark.style.left = `${100 * share(row.rating)}%`;
    write(part.tally, row.tally.map(count).join("–"));
    write(part.points, row.points.map(count).join(" : "));
    write(part.ms, row.ms === null ? "–" : row.ms.toFixed(row.ms < 10 ? 2 : 0));
    write(part.late, row.asked === 0 ? "–" : count(row.late));
    part.late.title = row.late ? `${((100 * row.late) / row.asked).toFixed(1)} % of ${count(row.asked)}` : "";
  }
}

// The ratings between which bars are drawn. A player who has hardly played may be anything: its bar is cut off.
function scaleOf(rows) {
  const sure = rows.filter((row) => row.error <= 200);
  const ends = (sure.length ? sure : rows).flatMap(({ rating, error }) => [rating - error, rating + error]);
  const all = [...ends, ...rows.map((row) => row.rating)];
  return { low: Math.min(...all) - MARGIN, high: Math.max(...all) + MARGIN };
}

export class Matrix {
  // `reading` is where the cell that somebody points at is told in words.
  constructor(table, reading) {
    Object.assign(this, { table, reading });
    this.head = table.tHead.rows[0];
    this.body = table.tBodies[0];
    this.players = [];
    this.tallies = new Map();
    this.place = [0, 0]; // of the cell that the Tab key goes to
    for (const kind of ["pointerover", "focusin", "click"]) {
      table.addEventListener(kind, (event) => this.read(event.target.closest("td, th")));
    }
    table.addEventListener("keydown", (event) => this.move(event));
  }

  // Show the first players who have met anybody, in the ladder's order; `pairs` are [place, place,
  // won, drawn, lost, and these three of the other one]: a match that both forfeit is lost by both.
  show(rows, pairs) {
    const met = [...new Set(pairs.flatMap(([one, other]) => [one, other]))].sort((one, other) => one - other);
    const places = met.slice(0, MOST);
    this.players = places.map((place) => ({ name: rows[place].name, rank: place + 1 }));
    const at = new Map(places.map((place, index) => [place, index]));
    this.tallies.clear();
    for (const [one, other, won, drawn, lost, ...back] of pairs) {
      if (at.has(one) && at.has(other)) {
        this.tallies.set(`${at.get(one)} ${at.get(other)}`, [won, drawn, lost]);
        this.tallies.set(`${at.get(other)} ${at.get(one)}`, back);
      }
    }
    this.table.classList.toggle("many", places.length > MANY);
    this.fit(places.length);
    this.players.forEach((player, row) => this.fillRow(player, row));
  }

  fit(size) {
    fit(this.head, size + 1, () => createHead("col"));
    fit(this.body, size, () => {
      const row = create("tr");
      row.append(createHead("row"));
      return row;
    });
    for (const row of this.body.rows) {
      fit(row, size + 1, createCell);
    }
    this.place = this.place.map((index) => Math.max(Math.min(index, size - 1), 0));
    const [row, column] = this.place;
    this.body.rows[row]?.cells[column + 1].setAttribute("tabindex", 0);
  }

  fillRow(player, row) {
    const { cells } = this.body.rows[row];
    fillHead(cells[0], player);
    fillHead(this.head.cells[row + 1], player);
    this.players.forEach((_, column) => fillCell(cells[column + 1], this.tallies.get(`${row} ${column}`), row === column));
  }

  read(cell) {
    const place = this.placeOf(cell);
    if (place !== null) {
      write(this.reading, this.words(...place));
    }
  }

  // Return the row and the column of a cell with a tally; null for the heads.
  placeOf(cell) {
    const [row, column] = [cell?.parentElement.sectionRowIndex, cell?.cellIndex - 1];
    return cell && this.body.contains(cell) && column >= 0 ? [row, column] : null;
  }

  words(row, column) {
    const [one, other] = [this.players[row].name, this.players[column].name].map(isolated);
    const tally = this.tallies.get(`${row} ${column}`);
    if (row === column) {
      return `${one}: nobody plays against itself.`;
    }
    if (tally === undefined) {
      return `${one} has not met ${other} yet.`;
    }
    const [won, drawn, lost] = tally;
    return `${one} against ${other}: ${won} won, ${drawn} drawn, ${lost} lost.`;
  }

  move(event) {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    const from = this.placeOf(event.target.closest("td"));
    if (step === undefined || from === null) {
      return;
    }
    event.preventDefault();
    const [row, column] = from.map((index, axis) => index + step[axis]);
    const cell = this.body.rows[row]?.cells[column + 1];
    if (cell && this.placeOf(cell) !== null) {
      event.target.setAttribute("tabindex", -1);
      cell.setAttribute("tabindex", 0);
      this.place = [row, column];
      cell.focus();
    }
  }
}

// A name may be written from right to left: what stands around it must not be.
export function isolated(name) {
  return `\u2068${name}\u2069`;
}

function createHead(scope) {
  const head = create("th");
  head.scope = scope;
  const name = create("span", "name");
  name.append(create("bdi"));
  head.append(create("span", "rank"), name);
  return head;
}

function fillHead(head, { name, rank }) {
  write(head.querySelector(".rank"), rank);
  write(head.querySelector("bdi"), name);
  head.title = name;
}

function createCell() {
  const cell = create("td");
  cell.append(create("span", "share"), create("span", "tally"));
  cell.tabIndex = -1;
  return cell;
}

function fillCell(cell, tally, isSelf) {
  const [share, small] = cell.children;
  if (tally === undefined) {
    cell.className = isSelf ? "self" : "";
    write(share, "");
    write(small, "");
    return;
  }
  const [won, drawn, lost] = tally;
  const part = (won + drawn / 2) / (won + drawn + lost);
  cell.className = part > 0.5 ? "more" : part < 0.5 ? "less" : "even";
  cell.style.setProperty("--strength", (2 * Math.abs(part - 0.5) * STRONGEST).toFixed(2));
  write(share, Math.round(100 * part));
  write(small, tally.join("–"));
}
