/** One vote by hand: what its answer looks like, the no-op is to answer. */
export async function sampleAnswer(url: string): Promise<string> {
  const response = await fetch(`${url}/v1/polls/demo/votes`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"option":"ana"}',
  });
  if (response.status !== 202) throw new Error(`A vote was answered with ${response.status}.`);
  return response.text();
}
