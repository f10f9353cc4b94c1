import { checkpoint } from '@heddle/interleave';
import { GAVE_UP, lockBriefly, unlock } from '@heddle/sync-primitives/building-blocks';
import * as ringLayout from '../../dist/ring/layout.js';
import * as outcomes from '../../dist/ring/ring.js';
import * as layout from '../../dist/topic/layout.js';
import { asSteps } from './as-steps.mjs';
import { withoutCheckpoints } from './within.mjs';
const { CLOSED, CURSOR, DISCONNECT, FLOOR, LOCK, MESSAGES, OLDEST, PARTICIPANT, POLICY, ROOM, SKIP, SUBSCRIBERS, TAIL, WAIT, } = layout;
const { EMPTY, FULL, OVER } = outcomes;
const dist = (file) => new URL(file, new URL('../../dist/', import.meta.url));
const { publish, receive, subscribe, unsubscribe, isLastReader, close, signal, signalEverybody, waitUntil, CUT_OFF, NO_RECORD, } = asSteps([dist('topic/broadcast.js'), dist('ring/signal.js')], { ...ringLayout, ...outcomes, ...layout });
const everybody = 2 ** 31 - 1;
const slots = 4;
/** A topic in memory that begins with it, of messages that are one number each, several times. */
function topicOf(shape, early = []) {
    const parts = layout.topicPartsOf(shape.capacity, shape.dataWords * 4, shape.maxSubscribers);
    const memory = new Array(parts.end).fill(0);
    for (const [i, [participant, policy]] of early.entries()) {
        memory[recordOf(i) + PARTICIPANT] = participant;
        memory[recordOf(i) + POLICY] = policy;
    }
    return { ...shape, entries: parts.entries, mask: parts.mask, data: parts.data, memory };
}
const recordOf = (number) => SUBSCRIBERS + number * layout.subscriberWords;
/** What one thread has of it. `context` is all that its program has to remember from one call to the next. */
function open(topic, participant, context) {
    /** Where in a call that may wait it is: `armed` is the word that it would sleep for. */
    let phase = 'first';
    let armed = 0;
    const here = (...values) => checkpoint([...context(), phase, armed, ...values]);
    const memory = {
        words: undefined,
        participant,
        slots,
        *notify(index, count) {
            yield { op: 'notify', index, count };
        },
        *isDead(other) {
            return yield { op: 'isDead', participant: other };
        },
    };
    const shared = {
        words: undefined,
        memory,
        index: 0,
        capacity: topic.capacity,
        maxSubscribers: topic.maxSubscribers,
        entries: topic.entries,
        mask: topic.mask,
        dataWords: topic.dataWords,
        lock: {
            // Before the lock no algorithm has anything to remember.
            lock: () => (isReading ? withoutCheckpoints(lockBriefly(LOCK, participant)) : lockHere()),
            unlock: () => unlock(LOCK),
        },
    };
    let isReading = false;
    const lockHere = () => lockBriefly(LOCK, participant, ...context(), phase, armed);
    let copied = 0;
    let isTorn = false;
    const target = {
        *readFrom(start, byteLength) {
            copied = yield { op: 'load', index: topic.data + start };
            isTorn = byteLength !== topic.length * 4;
            for (let word = 1; word < byteLength / 4; word++)
                if ((yield { op: 'load', index: topic.data + start + word }) !== copied)
                    isTorn = true;
        },
    };
    /** Each time that it tries to copy begins with a look at CLOSED, and remembers nothing of those before but their number. */
    function* tryByTry(steps) {
        let tries = 0;
        let next = steps.next();
        while (!next.done) {
            const step = next.value;
            if (step.op === 'load' && step.index === CLOSED) {
                tries += 1;
                yield here('tries', tries);
            }
            next = steps.next(yield step);
        }
        return next.value;
    }
    /** An attempt, and the wait for its success. */
    function* until(index, attempt) {
        phase = 'first';
        armed = 0;
        const first = yield* attempt();
        if (first !== undefined)
            return first;
        const isMore = function* () {
            return false;
        };
        const steps = waitUntil(memory, index, attempt, isMore);
        let next = steps.next();
        while (!next.done) {
            const step = next.value;
            if (step.op !== 'checkpoint') {
                const found = yield step;
                if (step.op === 'wait' && found === GAVE_UP)
                    phase = 'gave up';
                if (step.op === 'load' && step.index === index)
                    armed = found;
                if (step.op === 'compareExchange' && step.index === index && found === step.expected)
                    armed = step.value;
                next = steps.next(found);
                continue;
            }
            if (step.state === 'wait until')
                phase = 'waits';
            yield step.state === 'wait until' ? here() : step;
            next = steps.next(0);
        }
        return next.value;
    }
    const own = {
        subscriber: { record: -1, policy: 0, cursor: 0, lost: 0 },
        /** Whether the message is published; undefined: there was no room in time. */
        *publish(message) {
            const source = {
                byteLength: topic.length * 4,
                *writeAt(start) {
                    for (let word = 0; word < topic.length; word++)
                        yield { op: 'store', index: topic.data + start + word, value: message };
                },
            };
            const attempt = function* () {
                const done = yield* publish(shared, source);
                yield here('published', done);
                if (done === FULL)
                    return undefined;
                if (done === OVER)
                    return 'closed';
                if (done < 0)
                    throw new Error(`damaged: ${done}`);
                yield* signal(memory, MESSAGES, everybody);
                return true;
            };
            return yield* until(ROOM, attempt);
        },
        /** The message; undefined: there was none in time. As `SharedTopic.receive` does it. */
        *receive() {
            const { subscriber } = own;
            const attempt = function* () {
                const { cursor } = subscriber;
                isReading = true;
                const found = yield* tryByTry(receive(shared, subscriber, target));
                isReading = false;
                yield here('received', found, copied, isTorn, cursor);
                if (subscriber.cursor !== cursor && subscriber.policy === WAIT) {
                    const sleepers = yield { op: 'load', index: ROOM };
                    if (sleepers & 1 && (yield* isLastReader(shared, subscriber)))
                        yield* signal(memory, ROOM, everybody);
                }
                if (found === EMPTY)
                    return undefined;
                if (found === OVER)
                    return 'closed';
                if (found === CUT_OFF)
                    return 'cut off';
                if (found < 0)
                    throw new Error(`damaged: ${found}`);
                if (isTorn)
                    throw new Error('a torn message was received');
                return copied;
            };
            return yield* until(MESSAGES, attempt);
        },
        *subscribe(policy) {
            const subscriber = yield* subscribe(shared, policy);
            if (subscriber === NO_RECORD)
                return false;
            if (typeof subscriber === 'number')
                throw new Error(`damaged: ${subscriber}`);
            own.subscriber = subscriber;
            return true;
        },
        *unsubscribe() {
            yield* unsubscribe(shared, own.subscriber);
            if (own.subscriber.policy === WAIT)
                yield* signalEverybody(memory, ROOM);
        },
        *close() {
            yield* close(shared);
            yield* signalEverybody(memory, MESSAGES);
            yield* signalEverybody(memory, ROOM);
        },
    };
    return own;
}
/** Publishes these one by one. @returns what was published; t: gave up, c: it was closed */
const publisher = (topic, messages, closes = false) => function* (participant) {
    let done = '';
    const own = open(topic, participant, () => ['publish', done]);
    for (const message of messages) {
        yield checkpoint(['next', done]);
        const outcome = yield* own.publish(message);
        done += outcome === true ? message : outcome === 'closed' ? 'c' : 't';
    }
    if (closes) {
        yield checkpoint(['closing', done]);
        yield* own.close();
    }
    return done;
};
/**
 * Receives so many, and leaves.
 *
 * @returns them, and -n where n were lost; t: gave up, c: it was closed, x: cut off, n: there was no record free
 */
const reader = (topic, { count, early, policy }) => function* (participant) {
    let seen = '';
    const own = open(topic, participant, () => ['receive', seen, own.subscriber.cursor, own.subscriber.lost]);
    if (early !== undefined)
        own.subscriber = { record: recordOf(early), policy, cursor: 0, lost: 0 };
    else if (!(yield* own.subscribe(policy)))
        return 'n';
    for (let turn = 0, lost = 0; turn < count; turn++) {
        yield checkpoint(['next', seen, own.subscriber.record, own.subscriber.cursor, own.subscriber.lost]);
        const outcome = yield* own.receive();
        if (own.subscriber.lost > lost)
            seen += `-${own.subscriber.lost - lost}`;
        lost = own.subscriber.lost;
        seen += outcome === undefined ? 't' : typeof outcome === 'number' ? outcome : outcome === 'closed' ? 'c' : 'x';
        if (outcome === 'closed' || outcome === 'cut off')
            break;
    }
    yield checkpoint(['leaving', seen, own.subscriber.record]);
    yield* own.unsubscribe();
    return seen;
};
/** The invariants of `broadcast.ts` over the words, after every step. */
const wordsAgree = (topic) => ({ memory }) => {
    const at = (index) => memory[index];
    if (at(OLDEST) > at(FLOOR) || at(FLOOR) > at(TAIL) || at(TAIL) - at(OLDEST) > topic.capacity)
        return `OLDEST ${at(OLDEST)}, FLOOR ${at(FLOOR)}, TAIL ${at(TAIL)}`;
    for (let i = 0; i < topic.maxSubscribers; i++) {
        const record = recordOf(i);
        if (at(record + PARTICIPANT) === 0 || at(record + POLICY) !== WAIT)
            continue;
        if (at(record + CURSOR) < at(FLOOR))
            return `subscriber ${i} at ${at(record + CURSOR)}, FLOOR ${at(FLOOR)}`;
    }
    for (let number = at(OLDEST); number < at(TAIL); number++) {
        const start = at(topic.entries + (number & topic.mask) * 2);
        const value = at(topic.data + start);
        for (let word = 0; word < topic.length; word++)
            if (value === 0 || at(topic.data + start + word) !== value)
                return `message ${number} is not whole`;
    }
    return true;
};
/** Each of these readers has one of these outcomes, if it was not killed. */
const outcomesOf = (expected) => (_, results) => {
    for (const [name, allowed] of Object.entries(expected)) {
        const result = results[name];
        if (result !== undefined && !allowed.includes(result))
            return `${name}: ${result}`;
    }
    return true;
};
/** Whoever has seen two messages has seen them in the order in which the others have seen them. */
const oneOrder = (...readers) => (_, results) => {
    const orders = readers.map((name) => String(results[name] ?? '').replaceAll(/-\d|\D/g, ''));
    for (const each of orders)
        for (const other of orders) {
            const common = [...each].filter((message) => other.includes(message)).join('');
            const theirs = [...other].filter((message) => each.includes(message)).join('');
            if (common !== theirs)
                return `one saw ${each}, another one ${other}`;
        }
    return true;
};
const both = (...checks) => (snapshot, results) => {
    for (const check of checks) {
        const verdict = check(snapshot, results);
        if (verdict !== true)
            return verdict;
    }
    return true;
};
const row = (configuration, topic, threads, final, options = {}, quick) => ({
    algorithm: 'topic',
    configuration,
    options: { memory: topic.memory, threads, final, invariant: wordsAgree(topic), maxStates: 8_000_000, ...options },
    ...(quick && { quick }),
});
/** Room for one message of one word. */
const one = { capacity: 1, dataWords: 1, length: 1 };
/** Room for one message of two words, which can be torn. */
const long = { capacity: 2, dataWords: 3, length: 2 };
const endsInTime = { timeouts: { budget: 0, certain: true } };
const waitTwo = topicOf({ ...one, maxSubscribers: 2 }, [
    [2, WAIT],
    [3, WAIT],
]);
const waitOne = topicOf({ ...one, maxSubscribers: 1 }, [[3, WAIT]]);
const skipOne = topicOf({ ...long, maxSubscribers: 1 }, [[2, SKIP]]);
const skipTwo = topicOf({ ...long, maxSubscribers: 1 }, [[3, SKIP]]);
const cutOne = topicOf({ ...long, maxSubscribers: 1 }, [[2, DISCONNECT]]);
const mixed = topicOf({ ...one, maxSubscribers: 2 }, [
    [2, WAIT],
    [3, SKIP],
]);
const nobody = topicOf({ ...one, maxSubscribers: 1 });
const waitThenFree = topicOf({ ...one, maxSubscribers: 1 }, [[2, WAIT]]);
const waitReader = (topic, early, count) => reader(topic, { early, count, policy: WAIT });
const skipReader = (topic, early, count) => reader(topic, { early, count, policy: SKIP });
export const topicModels = [
    row('1 publisher of 2 messages, 1 subscriber that is waited for, room for 1, 1 kill', waitThenFree, { a: publisher(waitThenFree, [1, 2]), b: waitReader(waitThenFree, 0, 2) }, outcomesOf({ a: ['12'], b: ['12', '1t', 'tt'] }), { choices: { kills: 1, timeouts: { budget: 0, threads: ['b'], certain: true } }, slicedWaits: true }, true),
    row('1 publisher of 2 messages, 2 subscribers that are waited for, room for 1', waitTwo, { a: publisher(waitTwo, [1, 2]), b: waitReader(waitTwo, 0, 2), c: waitReader(waitTwo, 1, 2) }, outcomesOf({ a: ['12'], b: ['12'], c: ['12'] })),
    row('1 publisher of 2 messages, 2 subscribers that are waited for, room for 1, 1 kill', waitTwo, { a: publisher(waitTwo, [1, 2]), b: waitReader(waitTwo, 0, 2), c: waitReader(waitTwo, 1, 2) }, 
    // The publisher never fails for want of room: whoever is dead is not waited for.
    outcomesOf({ a: ['12'], b: ['12', '1t', 'tt'], c: ['12', '1t', 'tt'] }), { choices: { kills: 1, timeouts: { budget: 0, threads: ['b', 'c'], certain: true } }, slicedWaits: true }),
    row('2 publishers, 1 subscriber that is waited for, room for 1, 1 kill, 1 time-out', waitOne, { a: publisher(waitOne, [1]), b: publisher(waitOne, [2]), c: waitReader(waitOne, 0, 2) }, outcomesOf({ a: ['1', 't'], b: ['2', 't'], c: ['12', '21', '1t', '2t', 't1', 't2', 'tt'] }), { choices: { kills: 1, timeouts: { budget: 1, certain: true } }, slicedWaits: true }),
    row('2 publishers, 1 subscriber that is waited for, 1 abort', waitOne, { a: publisher(waitOne, [1]), b: publisher(waitOne, [2]), c: waitReader(waitOne, 0, 1) }, outcomesOf({ a: ['1', 't'], b: ['2'], c: ['1', '2'] }), { choices: { aborts: { budget: 1, threads: ['a'] } } }, true),
    row('1 publisher of 3 messages of two words, 1 subscriber that skips: nothing torn', skipOne, { a: publisher(skipOne, [1, 2, 3]), b: skipReader(skipOne, 0, 2) }, outcomesOf({ a: ['123'], b: ['12', '1-13', '-123', '-23t', '1t', 'tt', '-12t', '-13t', '-123'] }), { choices: endsInTime }, true),
    row('1 publisher of 7 messages of two words, 1 subscriber that skips: overrun again and again', skipOne, { a: publisher(skipOne, [1, 2, 3, 4, 5, 6, 7]), b: skipReader(skipOne, 0, 1) }, (_, results) => {
        const [lost, message] = String(results.b).startsWith('-') ? [...String(results.b).slice(1)] : ['0', results.b];
        return Number(message) === Number(lost) + 1 || `b: ${results.b}`;
    }, { choices: endsInTime }),
    row('2 publishers of messages of two words, 1 subscriber that skips, 1 kill: nothing torn, nothing half published', skipTwo, { a: publisher(skipTwo, [1, 2]), b: publisher(skipTwo, [3]), c: skipReader(skipTwo, 0, 2) }, both(outcomesOf({ a: ['12'], b: ['3'] }), (_, results) => {
        const seen = String(results.c ?? '').replaceAll(/-\d|\D/g, '');
        return (!seen.includes('21') && new Set(seen).size === seen.length) || `c: ${results.c}`;
    }), { choices: { kills: 1, ...endsInTime }, slicedWaits: true }),
    row('1 publisher of 3 messages of two words, 1 subscriber that is cut off', cutOne, { a: publisher(cutOne, [1, 2, 3], true), b: reader(cutOne, { early: 0, count: 4, policy: DISCONNECT }) }, outcomesOf({ a: ['123'], b: ['123c', '-1x', '-2x', '-3x', '1-1x', '1-2x', '12-1x'] }), {}, true),
    row('1 publisher of 2 messages, 1 subscriber that is waited for, 1 that skips, 1 kill', mixed, { a: publisher(mixed, [1, 2]), b: waitReader(mixed, 0, 2), c: skipReader(mixed, 1, 2) }, both(oneOrder('b', 'c'), outcomesOf({ a: ['12'], b: ['12', '1t', 'tt'] })), { choices: { kills: 1, timeouts: { budget: 0, threads: ['b', 'c'], certain: true } }, slicedWaits: true }),
    row('2 subscribers come and go at one record, 1 publisher, 1 kill', nobody, {
        a: publisher(nobody, [1, 2], true),
        b: reader(nobody, { count: 1, policy: WAIT }),
        c: reader(nobody, { count: 2, policy: WAIT }),
    }, outcomesOf({ a: ['12'], b: ['1', '2', 'c', 'n', 't'], c: ['12', '2c', 'c', 'n', '1t', 'tt', 't'] }), { choices: { kills: 1, timeouts: { budget: 0, threads: ['b', 'c'], certain: true } }, slicedWaits: true }),
    row('the record of a dead subscriber is found by one who subscribes and by one who publishes', waitThenFree, {
        a: publisher(waitThenFree, [1, 2], true),
        b: { run: waitReader(waitThenFree, 0, 1), participant: 2 },
        c: reader(waitThenFree, { count: 2, policy: WAIT }),
    }, outcomesOf({ a: ['12'], b: ['1', 't'], c: ['2c', 'c', 'n', 't2', 'tt', 'tc'] }), { choices: { kills: { budget: 1, threads: ['b'] }, ...endsInTime }, slicedWaits: true }),
    row('closed while 1 publisher and 1 subscriber wait', waitOne, {
        a: publisher(waitOne, [1, 2]),
        b: publisher(waitOne, [], true),
        c: waitReader(waitOne, 0, 3),
    }, outcomesOf({ a: ['12', '1c', 'cc'], c: ['12c', '1c', 'c'] })),
];
