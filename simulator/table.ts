import { isObject } from './rows';
import { shuffle, type Random } from './random';

/** One condition on one field. */
export interface Filter {
  /** Tells this condition from others; what a result is remembered by. */
  readonly name: string;
  readonly field: string;
  readonly test: (value: unknown) => boolean;
}

/** What is asked of a table; without `shuffleTies` equal rows stand in the order of their ids. */
export interface TableQuery {
  readonly filters: readonly Filter[];
  readonly field: string;
  readonly descending: boolean;
  readonly offset: number;
  readonly limit: number;
  readonly shuffleTies?: Random;
}

/** The rows of one page, each as the bytes of its JSON, and how many there are on all pages. */
interface TablePage {
  readonly rows: readonly Buffer[];
  readonly total: number;
}

/** Rows as serialised JSON, ordered by id, with the fields that are asked for often kept beside them. */
export interface Table {
  readonly size: number;
  has(id: number): boolean;
  /** Inserts the row, or replaces the one of this id; any JSON value may stand where a row stands. What is hidden stays unless given. */
  put(id: number, row: unknown, hidden?: Readonly<Record<string, unknown>>): void;
  /** False if there was no such row. */
  remove(id: number): boolean;
  bytes(id: number): Buffer | undefined;
  /** The id with so many smaller ones. */
  idAt(rank: number): number | undefined;
  idOfUuid(uuid: string): number | undefined;
  page(query: TableQuery): TablePage;
  /** Ids in ascending order. */
  ids(filters: readonly Filter[]): number[];
  /** The values of some fields, row by row, ids ascending. */
  values(filters: readonly Filter[], fields: readonly string[]): Iterable<readonly unknown[]>;
}

const firstSlabBytes = 256 * 1024;
const largestSlabBytes = 8 * 1024 * 1024;
const rememberedResults = 16;

/** Keeps the bytes of many rows in few large buffers, outside the heap. */
function createRowBytes() {
  const slabs: Buffer[] = [];
  const slabOf: number[] = [];
  const startOf: number[] = [];
  const lengthOf: number[] = [];
  let free = 0;

  function room(bytes: number): Buffer {
    const current = slabs.at(-1);
    if (current !== undefined && current.length - free >= bytes) return current;
    const size = Math.min(largestSlabBytes, (current?.length ?? firstSlabBytes / 2) * 2);
    const slab = Buffer.allocUnsafeSlow(Math.max(size, bytes));
    slabs.push(slab);
    free = 0;
    return slab;
  }

  return {
    write(slot: number, text: string): void {
      const longest = text.length * 3;
      const old = slabs[slabOf[slot] ?? -1];
      const oldLength = lengthOf[slot] ?? 0;
      if (old !== undefined && text.length <= oldLength && Buffer.byteLength(text) <= oldLength) {
        lengthOf[slot] = old.write(text, startOf[slot] ?? 0, oldLength, 'utf8');
        return;
      }
      const slab = room(longest);
      const written = slab.write(text, free, 'utf8');
      slabOf[slot] = slabs.length - 1;
      startOf[slot] = free;
      lengthOf[slot] = written;
      free += written;
    },
    /** A view, valid until the row is written again. */
    view(slot: number): Buffer {
      const start = startOf[slot] ?? 0;
      return (slabs[slabOf[slot] ?? -1] ?? Buffer.alloc(0)).subarray(start, start + (lengthOf[slot] ?? 0));
    },
  };
}

function fieldOf(row: unknown, field: string): unknown {
  return isObject(row) ? row[field] : undefined;
}

const missing = (value: unknown) => value === null || value === undefined;

/** Numbers before texts, as one column may hold both; null and absent are judged by the caller. */
function compare(one: unknown, two: unknown): number {
  if (typeof one === 'number' && typeof two === 'number') return one - two;
  const [left, right] = [String(one), String(two)];
  if (typeof one === typeof two) return left < right ? -1 : left > right ? 1 : 0;
  return typeof one < typeof two ? -1 : 1;
}

/**
 * A table that keeps the values of `columns` at hand; other fields are read from the row's JSON when asked for. The values of `hidden`
 * columns are in no row, and can be filtered by.
 */
export function createTable(columns: readonly string[], hidden: readonly string[] = []): Table {
  const rowBytes = createRowBytes();
  const idAt: number[] = [];
  const columnAt = new Map<string, unknown[]>(columns.map((name) => [name, []]));
  const hiddenAt = new Map<string, unknown[]>(hidden.map((name) => [name, []]));
  const uuidColumn = columnAt.get('uuid') ?? [];
  /** Slots in the order of their ids. */
  const byId: number[] = [];
  const results = new Map<string, { readonly slots: readonly number[]; readonly keys: readonly unknown[] }>();
  let slotOfUuid: Map<unknown, number> | undefined;

  function rank(id: number): number {
    let [low, high] = [0, byId.length];
    if (low < high && (idAt[byId[high - 1] ?? 0] ?? 0) < id) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((idAt[byId[middle] ?? 0] ?? 0) < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function find(id: number): number | undefined {
    const slot = byId[rank(id)];
    return slot !== undefined && idAt[slot] === id ? slot : undefined;
  }

  function valueAt(slot: number, field: string): unknown {
    if (field === 'id') return idAt[slot];
    const column = hiddenAt.get(field) ?? columnAt.get(field);
    return column === undefined ? fieldOf(JSON.parse(rowBytes.view(slot).toString()), field) : column[slot];
  }

  function forgetUuid(slot: number): void {
    const known = uuidColumn[slot];
    if (slotOfUuid?.get(known) === slot) slotOfUuid.delete(known);
  }

  function remember(name: string, make: () => { slots: readonly number[]; keys: readonly unknown[] }) {
    const known = results.get(name);
    if (known !== undefined) return known;
    const made = make();
    const oldest = results.keys().next();
    if (results.size >= rememberedResults && oldest.done !== true) results.delete(oldest.value);
    results.set(name, made);
    return made;
  }

  function filtered(filters: readonly Filter[]): readonly number[] {
    if (filters.length === 0) return byId;
    const name = JSON.stringify(filters.map((filter) => filter.name));
    return remember(name, () => {
      const slots = byId.filter((slot) => filters.every(({ field, test }) => test(valueAt(slot, field))));
      return { slots, keys: [] };
    }).slots;
  }

  function sorted(filters: readonly Filter[], field: string, descending: boolean) {
    const name = JSON.stringify([filters.map((filter) => filter.name), field, descending]);
    return remember(name, () => {
      const turn = descending ? -1 : 1;
      const entries = filtered(filters).map((slot) => ({ slot, key: valueAt(slot, field) }));
      entries.sort((one, two) => {
        if (missing(one.key) || missing(two.key)) return turn * (Number(missing(one.key)) - Number(missing(two.key)));
        return turn * compare(one.key, two.key);
      });
      return { slots: entries.map(({ slot }) => slot), keys: entries.map(({ key }) => key ?? null) };
    });
  }

  function slotsOf({ filters, field, descending, offset, limit, shuffleTies }: TableQuery): {
    readonly slots: readonly number[];
    readonly total: number;
  } {
    if (field === 'id') {
      const slots = filtered(filters);
      const total = slots.length;
      if (!descending) return { slots: slots.slice(offset, offset + limit), total };
      return { slots: slots.slice(Math.max(0, total - offset - limit), Math.max(0, total - offset)).reverse(), total };
    }
    const { slots, keys } = sorted(filters, field, descending);
    const total = slots.length;
    const end = Math.min(total, offset + limit);
    if (shuffleTies === undefined || offset >= end) return { slots: slots.slice(offset, end), total };
    let from = offset;
    while (from > 0 && keys[from - 1] === keys[offset]) from--;
    const window: number[] = [];
    while (from + window.length < end) {
      const tied: number[] = [];
      const start = from + window.length;
      for (let index = start; index < total && keys[index] === keys[start]; index++) tied.push(slots[index] ?? 0);
      window.push(...shuffle(shuffleTies, tied));
    }
    return { slots: window.slice(offset - from, end - from), total };
  }

  return {
    get size() {
      return byId.length;
    },
    has: (id) => find(id) !== undefined,
    put(id, row, values = {}) {
      const known = find(id);
      const slot = known ?? idAt.length;
      if (known === undefined) {
        const at = rank(id);
        idAt.push(id);
        if (at === byId.length) byId.push(slot);
        else byId.splice(at, 0, slot);
      }
      forgetUuid(slot);
      rowBytes.write(slot, JSON.stringify(row ?? null));
      for (const [name, column] of columnAt) column[slot] = fieldOf(row, name);
      for (const [name, column] of hiddenAt) if (name in values) column[slot] = values[name];
      slotOfUuid?.set(uuidColumn[slot], slot);
      results.clear();
    },
    remove(id) {
      const slot = find(id);
      if (slot === undefined) return false;
      forgetUuid(slot);
      byId.splice(rank(id), 1);
      for (const column of columnAt.values()) column[slot] = undefined;
      results.clear();
      return true;
    },
    bytes(id) {
      const slot = find(id);
      return slot === undefined ? undefined : rowBytes.view(slot);
    },
    idAt(rank) {
      const slot = byId[rank];
      return slot === undefined ? undefined : idAt[slot];
    },
    idOfUuid(uuid) {
      slotOfUuid ??= new Map(byId.map((slot) => [uuidColumn[slot], slot]));
      const slot = slotOfUuid.get(uuid);
      return slot === undefined ? undefined : idAt[slot];
    },
    page(query) {
      const { slots, total } = slotsOf(query);
      return { rows: slots.map((slot) => rowBytes.view(slot)), total };
    },
    ids: (filters) => filtered(filters).map((slot) => idAt[slot] ?? 0),
    *values(filters, fields) {
      for (const slot of filtered(filters)) yield fields.map((field) => valueAt(slot, field));
    },
  };
}
