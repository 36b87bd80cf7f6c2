import type { EntityConfig } from '../../config/config';
import { ConfigError } from '../../src/errors';
import { changeOfEntities, watchEntities, type EntitiesSeen } from '../../src/service/watch-entities';
import { until } from '../support/kafka';
import { entityOf } from '../support/service';

/** Files whose content is the next of these at each look, the last one again and again; they name one entity with the content as its name. */
function watch(loaded: string, ...contents: readonly string[]) {
  let looks = 0;
  const seen: EntitiesSeen[] = [];
  const files = {
    loaded,
    content: () => {
      looks += 1;
      return contents[Math.min(looks, contents.length) - 1] ?? '';
    },
    load: (): EntityConfig[] => {
      const content = contents[Math.min(looks, contents.length) - 1] ?? '';
      if (content.startsWith('broken')) throw new ConfigError(`cannot load ${content}`);
      return [entityOf(content)];
    },
  };
  const watched = watchEntities(files, 1).subscribe({
    next: (what) => seen.push(what),
    error: (error: unknown) => {
      throw error;
    },
  });
  return {
    async seen(): Promise<readonly string[]> {
      await until(() => looks > contents.length + 3, { what: 'a look after the last content' });
      watched.unsubscribe();
      return seen.map((what) =>
        what.kind === 'entities' ? what.entities.map(({ id }) => id).join() : what.error.message,
      );
    },
  };
}

describe('watchEntities', () => {
  test('says nothing while the files hold what they held when they were loaded', async () => {
    expect(await watch('a', 'a', 'a', 'a').seen()).toEqual([]);
  });

  test('says what a new content came to, once', async () => {
    expect(await watch('a', 'a', 'b', 'b', 'b', 'c').seen()).toEqual(['b', 'c']);
  });

  test('waits until two looks in a row find the same, as a file may be half written', async () => {
    expect(await watch('a', 'broken half', 'b', 'broken again', 'c').seen()).toEqual(['c']);
  });

  test('says nothing of a change that was taken back before it settled', async () => {
    expect(await watch('a', 'a', 'b', 'a', 'a').seen()).toEqual([]);
  });

  test('notices what changed between the loading and the first look', async () => {
    expect(await watch('a', 'b').seen()).toEqual(['b']);
  });

  test('says that files cannot be used, once for each content, and goes on looking', async () => {
    expect(await watch('a', 'broken 1', 'broken 1', 'broken 2', 'broken 2', 'd').seen()).toEqual([
      'cannot load broken 1',
      'cannot load broken 2',
      'd',
    ]);
  });

  test('errors with what is no fault of the files', async () => {
    const errors: unknown[] = [];
    const load = (): EntityConfig[] => {
      throw new TypeError('a bug');
    };
    watchEntities({ loaded: 'a', content: () => 'b', load }, 1).subscribe({
      error: (error: unknown) => errors.push(error),
    });
    await until(() => errors.length > 0, { what: 'the error' });
    expect(errors).toEqual([new TypeError('a bug')]);
  });
});

test('a change is told by what is read from now on, no longer, and in another way', () => {
  const before = [entityOf('same'), entityOf('changed'), entityOf('removed'), entityOf('off'), asleep('woken')];
  const now = [entityOf('same'), { ...entityOf('changed'), startDate: '2026-01-01' }, asleep('off'), entityOf('woken')];
  expect(changeOfEntities(before, [...now, entityOf('new'), asleep('never')])).toEqual({
    added: ['woken', 'new'],
    changed: ['changed'],
    removed: ['removed', 'off'],
  });
});

function asleep(id: string): EntityConfig {
  return { ...entityOf(id), enabled: false };
}
