import { jsonAnswer, tooMany, windowOf, type Answer, type Habits } from './listing';
import type { JsonObject } from './rows';

/** The reference lists, by the path below the base path. */
const paths = {
  'gtus.json': 'gtus',
  'documents_markings/incomes.json': 'documents_markings',
  'vat_rates.json': 'vat_rates',
  'vat_exemptions.json': 'vat_exemptions',
} as const;

/** The name of a reference list. */
export type DictionaryName = (typeof paths)[keyof typeof paths];

/** The names of all reference lists. */
export const dictionaryNames: readonly DictionaryName[] = Object.values(paths);

const goods = [
  'napoje alkoholowe',
  'paliwa',
  'oleje i smary',
  'wyroby tytoniowe',
  'odpady',
  'urządzenia elektroniczne',
  'pojazdy i części',
  'metale',
  'leki i wyroby medyczne',
  'budynki, budowle i grunty',
  'uprawnienia do emisji gazów',
  'usługi niematerialne',
  'usługi transportowe i magazynowe',
];

const markings = [
  'SW',
  'EE',
  'TP',
  'TT_WNT',
  'TT_D',
  'MR_T',
  'MR_UZ',
  'I_42',
  'I_63',
  'B_SPV',
  'B_SPV_DOSTAWA',
  'B_MPV_PROWIZJA',
  'WSTO_EE',
];

const ended = '2010-12-31';
/** In the order of the official example, which is none by id. */
const rates: readonly (readonly [
  id: number,
  rate: string,
  name: string,
  symbol: string,
  from: string,
  until: string | null,
])[] = [
  [7, '23.0', '23%', '23', '2011-01-01', null],
  [1, '22.0', '22%', '22', '1900-01-01', ended],
  [8, '8.0', '8%', '8', '2011-01-01', null],
  [2, '7.0', '7%', '7', '1900-01-01', ended],
  [9, '5.0', '5%', '5', '2011-01-01', null],
  [3, '3.0', '3%', '3', '1900-01-01', ended],
  [4, '0.0', '0%', '0', '1900-01-01', null],
  [6, '0.0', 'zw.', 'zw', '1900-01-01', null],
  [5, '0.0', 'np.', 'np', '1900-01-01', null],
  [36, '0.0', 'o.o.', 'oo', '1900-01-01', null],
];
const exemptions = 112;

/** The rows of every reference list as each account begins with them, more exemptions than a page holds. */
function firstRows(): Record<DictionaryName, readonly JsonObject[]> {
  return {
    gtus: goods.map((words, index) => ({
      id: index + 1,
      name: `GTU_${String(index + 1).padStart(2, '0')}`,
      short_description: `Dostawa: ${words}`,
      description: `Dostawa: ${words}, w rozumieniu ustawy.`,
    })),
    documents_markings: markings.map((code, index) => ({
      id: index + 1,
      code,
      short_description: `Oznaczenie ${code}`,
      description: `Oznaczenie ${code} dokumentu przychodowego`,
    })),
    vat_rates: rates.map(([id, rate, name, symbol, from, until]) => ({
      id,
      rate,
      name,
      symbol,
      valid_from: from,
      valid_until: until,
    })),
    vat_exemptions: Array.from({ length: exemptions }, (_, index) => ({
      // The real ids have gaps.
      id: index + 1 + Math.floor((index + 1) / 16),
      description: index === 0 ? 'zwolnienie podmiotowe' : `zwolnienie przedmiotowe nr ${index}`,
      legal_basis_rule: index === 0 ? 'art. 113 ust. 1 i 9' : `art. 43 ust. 1 pkt ${index}`,
      legal_basis_source: 'Ustawa o podatku od towarów i usług',
    })),
  };
}

/** The reference lists of all accounts. */
export interface Dictionaries {
  /** The name of the list at that path; undefined = there is none. */
  named(path: string): DictionaryName | undefined;
  rows(key: string, name: DictionaryName): readonly JsonObject[];
  put(key: string, name: DictionaryName, rows: readonly JsonObject[]): void;
  /** One page; `order` is not heeded, and the links point elsewhere, as in the official examples. */
  answer(key: string, name: DictionaryName, url: URL, habits: Habits): Answer;
}

/** Lists that begin the same for every account. */
export function createDictionaries(): Dictionaries {
  const first = firstRows();
  const changed = new Map<string, readonly JsonObject[]>();
  const rowsOf: Dictionaries['rows'] = (key, name) => changed.get(`${name} ${key}`) ?? first[name];
  return {
    named: (path) => (Object.hasOwn(paths, path) ? paths[path as keyof typeof paths] : undefined),
    rows: rowsOf,
    put: (key, name, rows) => void changed.set(`${name} ${key}`, rows),
    answer(key, name, url, habits) {
      const window = windowOf(url.searchParams, habits);
      if (window === undefined) return tooMany;
      const { limit, offset } = window;
      const rows = rowsOf(key, name);
      const entities = rows.slice(offset, offset + limit);
      const link = (to: number) => `https://app.infakt.test${url.pathname}?offset=${to}&limit=${limit}`;
      return jsonAnswer(200, {
        metainfo: {
          count: entities.length,
          total_count: rows.length,
          next: link(offset + limit),
          previous: link(Math.max(0, offset - limit)),
        },
        entities,
      });
    },
  };
}
