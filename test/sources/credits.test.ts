import { createCredits, holdCredit, type Release } from '../../src/sources/credits';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('createCredits', () => {
  test('gives out no more credits at a time than there are, and serves those who wait in order', async () => {
    const take = createCredits(2);
    const served: string[] = [];
    const takeFor = (name: string): Promise<Release> =>
      take().then((release) => {
        served.push(name);
        return release;
      });
    const taken = ['a', 'b', 'c', 'd'].map(takeFor);
    await turn();
    expect(served).toEqual(['a', 'b']);
    (await taken[1])?.();
    await turn();
    expect(served).toEqual(['a', 'b', 'c']);
    (await taken[0])?.();
    await turn();
    expect(served).toEqual(['a', 'b', 'c', 'd']);
  });

  test('a credit that came back while nobody waited is there for the next', async () => {
    const take = createCredits(1);
    (await take())();
    const release = await take();
    expect(release).toBeInstanceOf(Function);
  });
});

describe('holdCredit', () => {
  test('takes one credit, however often it is asked, and passes it on', async () => {
    let [out, back] = [0, 0];
    const credit = holdCredit(() => {
      out += 1;
      return Promise.resolve(() => (back += 1));
    });
    await credit.take();
    await credit.take();
    expect([out, back]).toEqual([1, 0]);
    credit.pass()();
    expect([out, back]).toEqual([1, 1]);
    await credit.take();
    expect(out).toBe(2);
  });

  test('gives back what it holds when it is closed, and not what was passed on', async () => {
    let back = 0;
    const credit = holdCredit(() => Promise.resolve(() => (back += 1)));
    await credit.take();
    const release = credit.pass();
    credit.close();
    expect(back).toBe(0);
    release();
    expect(back).toBe(1);
  });

  test('gives back a credit that comes after it was closed', async () => {
    let back = 0;
    let give: (release: Release) => void = () => undefined;
    const credit = holdCredit(() => new Promise<Release>((resolve) => (give = resolve)));
    const taking = credit.take();
    credit.close();
    give(() => (back += 1));
    await taking;
    expect(back).toBe(1);
  });
});
