/** Checks the house rules over the whole project and lists what breaks them, each with its reason. */
import { fileURLToPath } from 'node:url';
import { SourceTree } from './source-tree.ts';
import { CHECKS } from './tidy-checks.ts';

const tree = SourceTree.read(fileURLToPath(new URL('..', import.meta.url)));
let count = 0;
for (const check of CHECKS) {
  const violations = check.find(tree);
  if (violations.length === 0) continue;
  count += violations.length;
  console.error(`\n${check.name}: ${check.reason}`);
  for (const { path, line, words } of violations) {
    console.error(`  ${line === null ? path : `${path}:${line}`}  ${words}`);
  }
}
if (count > 0) {
  console.error(`\n${count} against the house rules.`);
  process.exitCode = 1;
}
