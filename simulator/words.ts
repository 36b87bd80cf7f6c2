const units = [
  '',
  'jeden',
  'dwa',
  'trzy',
  'cztery',
  'pięć',
  'sześć',
  'siedem',
  'osiem',
  'dziewięć',
  'dziesięć',
  'jedenaście',
  'dwanaście',
  'trzynaście',
  'czternaście',
  'piętnaście',
  'szesnaście',
  'siedemnaście',
  'osiemnaście',
  'dziewiętnaście',
];
const tens = [
  '',
  '',
  'dwadzieścia',
  'trzydzieści',
  'czterdzieści',
  'pięćdziesiąt',
  'sześćdziesiąt',
  'siedemdziesiąt',
  'osiemdziesiąt',
  'dziewięćdziesiąt',
];
const hundreds = [
  '',
  'sto',
  'dwieście',
  'trzysta',
  'czterysta',
  'pięćset',
  'sześćset',
  'siedemset',
  'osiemset',
  'dziewięćset',
];
const powers = [
  [1_000_000_000, 'miliard', 'miliardy', 'miliardów'],
  [1_000_000, 'milion', 'miliony', 'milionów'],
  [1_000, 'tysiąc', 'tysiące', 'tysięcy'],
] as const;

function belowThousand(value: number): string[] {
  const rest = value % 100;
  const words = [hundreds[Math.floor(value / 100)]];
  if (rest < 20) words.push(units[rest]);
  else words.push(tens[Math.floor(rest / 10)], units[rest % 10]);
  return words.filter((word): word is string => word !== undefined && word !== '');
}

/** An amount in minor units the way it stands on a Polish invoice: `sto dwadzieścia trzy PLN 00/100`. */
export function amountInWords(minor: number, currency: string): string {
  let rest = Math.floor(minor / 100);
  const words: string[] = rest === 0 ? ['zero'] : [];
  for (const [size, one, few, many] of powers) {
    const count = Math.floor(rest / size);
    rest %= size;
    if (count === 0) continue;
    if (count === 1) words.push(one);
    else {
      const last = count % 10;
      const teen = count % 100 >= 12 && count % 100 <= 14;
      words.push(...belowThousand(count), last >= 2 && last <= 4 && !teen ? few : many);
    }
  }
  words.push(...belowThousand(rest));
  return `${words.join(' ')} ${currency} ${String(minor % 100).padStart(2, '0')}/100`;
}

export const firstNames = [
  'Agnieszka',
  'Błażej',
  'Grażyna',
  'Jędrzej',
  'Krzysztof',
  'Łucja',
  'Małgorzata',
  'Paweł',
  'Róża',
  'Stanisław',
  'Wacław',
  'Żaneta',
] as const;
export const lastNames = [
  'Błaszczyk',
  'Dąbrowski',
  'Głowacka',
  'Jabłoński',
  'Kołodziej',
  'Łukasik',
  'Michałek',
  'Pięta',
  'Szczęsny',
  'Wójcik',
  'Zając',
  'Żuraw',
] as const;
export const companyWords = [
  'Bursztyn',
  'Cegła',
  'Dźwig',
  'Gęś',
  'Jaźń',
  'Kłos',
  'Łabędź',
  'Młyn',
  'Orzeł',
  'Piła',
  'Ryś',
  'Słońce',
  'Świerk',
  'Wąż',
  'Źródło',
  'Żubr',
] as const;
export const companyTrades = [
  'Budownictwo',
  'Doradztwo',
  'Drukarnia',
  'Gastronomia',
  'Księgowość',
  'Łączność',
  'Meble',
  'Oświetlenie',
  'Przewozy',
  'Usługi',
] as const;
export const companyForms = ['Sp. z o.o.', 'S.A.', 'Sp. k.', 'Sp. j.', 'P.S.A.'] as const;
export const streets = [
  'Brzozowa',
  'Dębowa',
  'Gęsia',
  'Jagiellońska',
  'Kościuszki',
  'Łąkowa',
  'Mickiewicza',
  'Ogrodowa',
  'Piłsudskiego',
  'Słowackiego',
  'Świętej Anny',
  'Źródlana',
  'Żeromskiego',
] as const;
export const cities = [
  'Białystok',
  'Bydgoszcz',
  'Częstochowa',
  'Gdańsk',
  'Kraków',
  'Łódź',
  'Poznań',
  'Rzeszów',
  'Szczecin',
  'Toruń',
  'Warszawa',
  'Wrocław',
  'Zielona Góra',
] as const;
export const serviceNames = [
  'Abonament miesięczny',
  'Druk ulotek A5',
  'Konsultacja – godzina',
  'Montaż okien',
  'Naprawa urządzeń',
  'Obsługa księgowa',
  'Przegląd techniczny',
  'Szkolenie BHP',
  'Tłumaczenie przysięgłe',
  'Usługa transportowa',
  'Wynajem sprzętu',
  'Zestaw śrub "M8"',
] as const;
export const banks = ['Bank Źródlany', 'Dobry Bank S.A.', 'Kasa Świętokrzyska', 'Łódzki Bank Handlowy'] as const;
