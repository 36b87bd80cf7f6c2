import {
  dematerialize,
  ignoreElements,
  materialize,
  merge,
  type MonoTypeOperatorFunction,
  type Observable,
} from 'rxjs';

/** Mirrors the source, errors as soon as the watched Observable does, and completes with the source alone. */
export function failWith<T>(watched: Observable<unknown>): MonoTypeOperatorFunction<T> {
  return (source) => merge(source.pipe(materialize()), watched.pipe(ignoreElements())).pipe(dematerialize());
}
