/** From now on, in each test of this file, `performance.now()` says what `now` is. */
export declare function fakeClock(): { now: number }
