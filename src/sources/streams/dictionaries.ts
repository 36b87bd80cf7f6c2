import type { StreamDeclaration, StreamName } from '../../model';

/** Name of the topic without the prefix, and of the projection that asks for it. */
export const DICTIONARIES = 'dictionaries';

/** The dictionaries whose ids documents hold, by what keys call them, and the paths of their lists. */
const paths = {
  gtus: '/gtus.json',
  documents_markings: '/documents_markings/incomes.json',
  vat_rates: '/vat_rates.json',
  vat_exemptions: '/vat_exemptions.json',
} as const;

/** What keys call a dictionary. */
export type DictionaryKind = keyof typeof paths;

/** One dictionary of the API, remembered by itself. */
export interface DictionaryDeclaration extends StreamDeclaration {
  readonly dictionary: { readonly kind: DictionaryKind; readonly topic: string };
}

/** The dictionaries that are read of each entity where the projection asks for them: each is one small list. */
export const dictionaryStreams: readonly DictionaryDeclaration[] = Object.entries(paths).map(([name, path]) => {
  const kind = name as DictionaryKind;
  return {
    name: dictionaryNameOf(kind),
    dictionary: { kind, topic: DICTIONARIES },
    path,
    // Not every dictionary shows one entry alone.
    address: 'id',
    detailPath: () => '',
    scopeField: null,
    openField: null,
    schema: 'dictionary-entry',
    volatileFields: [],
    everyRowHas: [],
    detailOnlyFields: [],
    documentedValues: {},
    sumFields: [],
    projection: null,
    isOptional: true,
  };
});

/** The name under which the entries of a dictionary are remembered. */
export function dictionaryNameOf(kind: DictionaryKind): StreamName {
  return `${DICTIONARIES}/${kind}`;
}
