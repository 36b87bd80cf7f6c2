import { streams as usualStreams, type Company } from './stage';

/** A small company. */
export const alfa: Company = {
  id: 'alfa',
  key: 'key-alfa',
  name: 'Alfa Usługi Sp. z o.o.',
  nip: '1111111111',
  clients: 60,
  invoices: 1_200,
};
/** A larger one. */
export const beta: Company = {
  id: 'beta',
  key: 'key-beta',
  name: 'Beta Żubr Przewozy S.A.',
  nip: '2222222222',
  clients: 200,
  invoices: 3_000,
};
/** A tiny one. */
export const gamma: Company = {
  id: 'gamma',
  key: 'key-gamma',
  name: 'Gamma Gęś i Wąż Sp. j.',
  nip: '3333333333',
  clients: 20,
  invoices: 150,
};
/** Those that are shown. */
export const companies = [alfa, beta, gamma];
/** The same, with books that an accountant would believe, and with every sales document; the tiny one pays VAT by the cash method. */
export const companiesWithBooks: readonly Company[] = companies.map((company) => ({
  ...company,
  books: { cashMethod: company === gamma },
  orders: Math.ceil(company.invoices / 100),
  streams: [
    ...usualStreams,
    'advance-invoices',
    'final-invoices',
    'margin-invoices',
    'oss-invoices',
    'corrective-oss-invoices',
  ],
}));
