/**
 * The soak: kill -9 under load, a hundred times a round and for as many hours as are asked for. It does
 * not measure how fast Apura is, but how many kills stand behind "nothing lost, nothing twice".
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type KillDrillReport, killDrill } from '../test/support/kill-drill.ts';
import { SeededRandom } from '../test/support/seeded-random.ts';
import { count, milliseconds, noted, required, seconds } from './figure.ts';
import type { Part, PartResult, PartRun } from './part.ts';
import { SoakTime } from './soak-time.ts';

const KILLS_A_ROUND = 100;
const KILLS_QUICK = 8;
const RATE = 3_000;
/** Rounds take them in turn. */
const PARTITIONS = [1, 4];
const SAY_EVERY = 10;

interface Round extends KillDrillReport {
  readonly seed: number;
  readonly partitions: number;
}

export const soakPart: Part = {
  name: 'soak',
  title: 'Kills under load',
  method:
    `${count(RATE)} votes/s with retries go on while \`serve\` is killed with SIGKILL 0.2 to 2 s after ` +
    'it was ready, every fourth time also while it starts. After each kill `apura audit` must end with ' +
    '0; each round of kills ends with a balance sheet of every id. A fault stops the run and keeps the ' +
    'folder.',
  run,
};

async function run({ quick, folder, say }: PartRun): Promise<PartResult> {
  const time = new SoakTime(1);
  const rounds: Round[] = [];
  while (time.goesOn(rounds.length)) {
    const partitions = PARTITIONS[rounds.length % PARTITIONS.length] ?? 1;
    const kills = quick ? KILLS_QUICK : KILLS_A_ROUND;
    rounds.push(await soakRound(join(folder, String(rounds.length + 1)), kills, partitions, say));
  }

  const sum = (figure: (round: Round) => number): number =>
    rounds.reduce((total, round) => total + figure(round), 0);
  const kills = sum((round) => round.kills);
  // With no fault in n kills, one in a single kill is less likely than 3/n, at 95 % confidence.
  const bound = `${(300 / kills).toPrecision(2)} %`;
  const inStart = sum((round) => round.killsInStart);
  return {
    figures: [
      required(
        'kill -9, each followed by an audit that finds nothing',
        `${count(kills)}, ${count(inStart)} of them in a start`,
        kills >= (quick ? KILLS_QUICK : KILLS_A_ROUND),
      ),
      required('balance sheets that are exact', `${rounds.length} of ${rounds.length}`, true),
      noted('votes sent', count(sum((round) => round.sent))),
      required(
        'tries beyond the first, after an answer was lost',
        count(sum((round) => round.retries)),
        sum((round) => round.retries) > 0,
      ),
      noted('of these, first tries that were logged', count(sum((round) => round.duplicates))),
      noted('votes of unknown outcome at the end', count(sum((round) => round.unknown))),
      noted(
        'ready again after a kill, median of the first round',
        milliseconds(rounds[0]?.readyMsMedian ?? 0),
      ),
      noted('a fault in a single kill is less likely than (95 %)', bound),
      noted('duration', seconds(time.elapsedSeconds)),
    ],
    details: { rounds },
  };
}

async function soakRound(
  dataDir: string,
  kills: number,
  partitions: number,
  say: (words: string) => void,
): Promise<Round> {
  const random = new SeededRandom();
  say(`${kills} kills on ${partitions} partitions, SEED=${random.seed}, in ${dataDir}`);
  mkdirSync(dataDir);
  const onKill = (kill: number): void => {
    if (kill % SAY_EVERY === 0) say(`  ${kill} kills, ${kill} audits without a finding`);
  };
  const drill = { kills, partitions, ratePerSecond: RATE, random, dataDir, onKill };
  const report = await killDrill(drill);
  rmSync(dataDir, { recursive: true, force: true });
  return { ...report, seed: random.seed, partitions };
}
