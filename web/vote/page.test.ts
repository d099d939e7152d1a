/** Proves that the pages vote without a script, ask no third party, and let no value out of its place. */
import { describe, expect, test } from 'bun:test';
import { initials } from './ballot-markup.ts';
import { messagesIn } from './messages-in.ts';
import { renderNoticePage, renderPollListPage, renderVotePage } from './page.ts';
import type { Notice, VotePageModel } from './page-model.ts';
import { LANGUAGES, type Poll, type PollState, type Results } from './poll.ts';

const NOW = Date.parse('2026-11-21T20:00:00Z');
const assets = { script: '/assets/vote-1.js', style: '/assets/vote-1.css' };

const poll: Poll = {
  id: 'paredao',
  title: 'Quem sai?',
  state: 'open',
  options: [
    { id: 'ana', name: 'Ana Beatriz', imageUrl: '/v1/images/a1' },
    { id: 'davi', name: 'Davi', imageUrl: null },
  ],
  opensAt: null,
  closesAt: '2026-11-22T01:30:00.000Z',
  timeZone: 'America/Sao_Paulo',
  votePolicy: 'unlimited',
  resultsVisibility: 'after_vote',
  resultsDetail: 'percentage',
  look: { accentColor: null, logoUrl: null },
  version: 3,
};

const results: Results = {
  visible: true,
  state: 'open',
  detail: 'percentage',
  total: null,
  options: [
    { id: 'ana', votes: null, share: 0.75, leader: true },
    { id: 'davi', votes: null, share: 0.25, leader: false },
  ],
  asOf: '2026-11-21T20:00:00.000Z',
  version: 9,
  stale: false,
};

function page(change: Partial<VotePageModel> = {}): string {
  const model: VotePageModel = {
    lang: 'pt-BR',
    assets,
    serverTime: NOW,
    poll,
    results: null,
    formKey: null,
    ...change,
  };
  return renderVotePage(model);
}

function notice(what: Notice): string {
  return renderNoticePage({ lang: 'pt-BR', assets, serverTime: NOW, notice: what });
}

const notices: readonly Notice[] = [
  { kind: 'poll_not_found' },
  { kind: 'error', requestId: 'req-1' },
  { kind: 'error' },
  { kind: 'vote_accepted', poll, option: 'davi', receipt: 'uuid-1', results },
  { kind: 'vote_refused', poll, code: 'poll_closed' },
  { kind: 'vote_uncertain', poll, option: 'ana', key: 'uuid-2' },
];

const everyPage = (): readonly string[] => [
  ...LANGUAGES.map((lang) => page({ lang, results, origin: 'https://vote.example' })),
  ...(['scheduled', 'paused', 'closing', 'closed', 'published', 'archived'] as const).map((state) =>
    page({ poll: { ...poll, state } }),
  ),
  page({ poll: { ...poll, look: { accentColor: '#fc0', logoUrl: '/v1/images/logo' } } }),
  ...notices.map(notice),
  renderPollListPage({ lang: 'en', assets, serverTime: NOW, polls: [poll] }),
  renderPollListPage({ lang: 'es', assets, serverTime: NOW, polls: [] }),
];

/** The values of an attribute over a page, with the tags that carry them. */
function attributes(html: string, selector: string, name: string): string[] {
  const found: string[] = [];
  new HTMLRewriter()
    .on(selector, {
      element(element) {
        const value = element.getAttribute(name);
        if (value !== null) found.push(value);
      },
    })
    .transform(html);
  return found;
}

function count(html: string, selector: string): number {
  let found = 0;
  new HTMLRewriter().on(selector, { element: () => void found++ }).transform(html);
  return found;
}

describe('every page', () => {
  test("keeps to a policy of default-src 'self': no inline script, style or handler", () => {
    for (const html of everyPage()) {
      expect(count(html, '[style], style')).toBe(0);
      expect(html).not.toMatch(/\son[a-z]+=/);
      expect(count(html, 'script:not([src]):not([type="application/json"])')).toBe(0);
    }
  });

  test('asks nobody but this server for anything', () => {
    for (const html of everyPage()) {
      const urls = [
        ...attributes(html, 'script, img', 'src'),
        ...attributes(html, 'link', 'href'),
        ...attributes(html, 'form', 'action'),
        ...attributes(html, 'a', 'href'),
      ];
      expect(urls.length).toBeGreaterThan(0);
      for (const url of urls) expect(url).toMatch(/^(\/(?!\/)|\?)/);
    }
  });

  test('names its language and offers the others, its title, and one main heading', () => {
    for (const html of everyPage()) {
      const [language = ''] = attributes(html, 'html', 'lang');
      expect(LANGUAGES.some((known) => known === language)).toBe(true);
      expect(attributes(html, '.languages a', 'href')).toEqual([
        '?lang=pt-BR',
        '?lang=en',
        '?lang=es',
      ]);
      expect(attributes(html, '.languages a[aria-current]', 'lang')).toEqual([language]);
      expect(html).toMatch(/<title>[^<]+<\/title>/);
      expect(count(html, 'h1')).toBe(1);
    }
  });

  test('has no id twice', () => {
    for (const html of everyPage()) {
      const ids = attributes(html, '[id]', 'id');
      expect(new Set(ids).size).toBe(ids.length);
    }
  });
});

describe('the vote page', () => {
  test('holds the poll and a plain form that votes without the script', () => {
    const html = page({ formKey: '019a0000-0000-7000-8000-000000000001' });
    expect(attributes(html, 'form#ballot[method=post]', 'action')).toEqual(['/p/paredao']);
    expect(attributes(html, 'input[type=radio][name=option][required]', 'value')).toEqual([
      'ana',
      'davi',
    ]);
    expect(attributes(html, 'input[type=hidden][name=key]', 'value')).toEqual([
      '019a0000-0000-7000-8000-000000000001',
    ]);
    expect(count(html, 'fieldset:not([disabled]) legend')).toBe(1);
    expect(html).toContain('<h1>Quem sai?</h1>');
    expect(html).toContain('Vote até hoje, 22:30 (horário de Brasília)');
    expect(count(page(), 'input[name=key]')).toBe(0);
  });

  test('shows a picture with its room kept, or initials on a tile', () => {
    const html = page();
    expect(attributes(html, 'img', 'src')).toEqual(['/v1/images/a1']);
    expect(attributes(html, 'img', 'width')).toEqual(['480']);
    expect(html).toContain('<span>D</span>');
  });

  test('never fetches a picture, logo or preview from elsewhere', () => {
    for (const url of [
      'https://evil.example/x.png',
      '//evil.example/x.png',
      'data:image/png;base64,',
      '/\\evil',
    ]) {
      const html = page({
        origin: 'https://vote.example',
        poll: {
          ...poll,
          options: poll.options.map((option) => ({ ...option, imageUrl: url })),
          look: { accentColor: null, logoUrl: url },
        },
      });
      expect(count(html, 'img')).toBe(0);
      expect(attributes(html, 'meta[property="og:image"]', 'content')).toEqual([]);
    }
  });

  test('escapes whatever the operator has typed, also in the data for the script', () => {
    const evil = `</script><img src=x onerror="alert(1)">'&`;
    const html = page({
      lang: 'en',
      formKey: evil,
      poll: {
        ...poll,
        id: evil,
        title: evil,
        options: [{ id: evil, name: evil, imageUrl: `/"${evil}` }],
        look: { accentColor: evil, logoUrl: `/${evil}` },
      },
    });
    expect(count(html, 'script')).toBe(2);
    expect(count(html, '[onerror]')).toBe(0);
    const data = /<script type="application\/json" id="page-data">(.*)<\/script>/.exec(html)?.[1];
    expect(JSON.parse(data ?? '').poll.title).toBe(evil);
  });

  test('carries previews with absolute addresses only when it knows its own', () => {
    const known = page({ origin: 'https://vote.example' });
    expect(attributes(known, 'meta[property="og:url"]', 'content')).toEqual([
      'https://vote.example/p/paredao',
    ]);
    expect(attributes(known, 'meta[property="og:image"]', 'content')).toEqual([
      'https://vote.example/v1/images/a1',
    ]);
    expect(attributes(known, 'meta[property="og:title"]', 'content')).toEqual([
      'Quem sai? · Votação',
    ]);
    expect(attributes(known, 'meta[name=description]', 'content')).toEqual([
      'Vote agora: Ana Beatriz ou Davi.',
    ]);
    expect(count(page(), 'meta[property="og:url"], meta[property="og:image"]')).toBe(0);
  });

  test('links the stylesheet of its look, by version, only when it has a colour', () => {
    const colored = page({ poll: { ...poll, look: { accentColor: '#fc0', logoUrl: null } } });
    expect(attributes(colored, 'link[rel=stylesheet]', 'href')).toEqual([
      '/assets/vote-1.css',
      '/p/paredao/look.css?v=3',
    ]);
    expect(attributes(page(), 'link[rel=stylesheet]', 'href')).toEqual(['/assets/vote-1.css']);
  });

  test('links an icon when there is one', () => {
    expect(
      attributes(page({ assets: { ...assets, icon: '/i.svg' } }), 'link[rel=icon]', 'href'),
    ).toEqual(['/i.svg']);
  });

  const states: readonly [PollState, string, 'voting' | 'locked' | 'none'][] = [
    ['open', 'Vote até', 'voting'],
    ['scheduled', 'A votação ainda não começou', 'locked'],
    ['paused', 'A votação está em pausa', 'locked'],
    ['closing', 'Votação encerrada', 'none'],
    ['closed', 'Votação encerrada', 'none'],
    ['published', 'Votação encerrada', 'none'],
  ];
  test.each(states)(
    'of a poll that is %s says "%s" and its ballot is %s',
    (state, words, ballot) => {
      const html = page({ poll: { ...poll, state } });
      expect(html).toContain(words);
      expect(count(html, '#ballot:not([hidden])')).toBe(ballot === 'none' ? 0 : 1);
      expect(count(html, '#ballot:not([hidden]) fieldset:not([disabled])')).toBe(
        ballot === 'voting' ? 1 : 0,
      );
      expect(count(html, '#ballot-action:not([hidden])')).toBe(ballot === 'voting' ? 1 : 0);
    },
  );

  test('draws the bars without a style, and tells the leader by a word', () => {
    const html = page({ results });
    expect(attributes(html, '.bar-fill', 'width')).toEqual(['75.00%', '25.00%']);
    expect(html).toContain('<span class="bar-badge">Na frente</span>');
    expect(count(html, '#bars:not([hidden])')).toBe(1);
  });

  test('keeps hidden results hidden and says why, with and without word from the server', () => {
    const hidden: Results = {
      visible: false,
      reason: 'after_publish',
      state: 'open',
      asOf: results.asOf,
      version: 1,
      stale: false,
    };
    const told = page({ results: hidden });
    expect(count(told, '#bars[hidden]')).toBe(1);
    expect(told).toContain('quando a organização o publicar');
    expect(page()).toContain('aparece depois do seu voto');
    const open = page({ poll: { ...poll, resultsVisibility: 'always' } });
    expect(count(open, '#bars:not([hidden])')).toBe(1);
    expect(attributes(open, '.bar-fill', 'width')).toEqual(['0.00%', '0.00%']);
  });

  test.each([
    [4, 'cards'],
    [5, 'rows'],
    [100, 'rows'],
  ])('lays out %d options as %s', (number, layout) => {
    const options = Array.from({ length: number }, (_, index) => ({
      id: `o${index}`,
      name: `Option ${index}`,
      imageUrl: `/v1/images/${index}`,
    }));
    const html = page({ poll: { ...poll, options } });
    expect(attributes(html, `.${layout}`, 'data-count')).toEqual([String(number)]);
    expect(count(html, 'img[loading=lazy]')).toBe(Math.max(0, number - 6));
  });
});

describe('a notice', () => {
  test('of a form vote shows what was voted, the receipt, the results and the way back', () => {
    const html = notice({
      kind: 'vote_accepted',
      poll,
      option: 'davi',
      receipt: 'uuid-1',
      results,
    });
    for (const words of ['Voto registrado', 'Você votou em Davi', 'uuid-1', '75,00%']) {
      expect(html).toContain(words);
    }
    expect(attributes(html, '#outcome-action a', 'href')).toEqual(['/p/paredao']);
  });

  test('of an uncertain vote sends the same one again under the same key', () => {
    const html = notice({ kind: 'vote_uncertain', poll, option: 'ana', key: 'uuid-2' });
    expect(attributes(html, 'form[method=post]', 'action')).toEqual(['/p/paredao']);
    expect(attributes(html, 'input[name=key]', 'value')).toEqual(['uuid-2']);
    expect(attributes(html, 'input[name=option]', 'value')).toEqual(['ana']);
    expect(html).not.toContain('Você votou');
  });

  test('of a refused vote says why; of an unknown option shows none', () => {
    expect(notice({ kind: 'vote_refused', poll, code: 'poll_closed' })).toContain('encerrou antes');
    const gone = notice({
      kind: 'vote_accepted',
      poll,
      option: 'gone',
      receipt: 'r',
      results: null,
    });
    expect(count(gone, '.picture')).toBe(0);
  });

  test('is not to be found by search engines, and needs no script', () => {
    for (const what of notices) {
      expect(attributes(notice(what), 'meta[name=robots]', 'content')).toEqual(['noindex']);
      expect(count(notice(what), 'script')).toBe(0);
    }
    expect(notice({ kind: 'error', requestId: 'req-1' })).toContain('req-1');
  });
});

test('the list links every poll with its state, and says so when there is none', () => {
  const html = renderPollListPage({ lang: 'pt-BR', assets, serverTime: NOW, polls: [poll] });
  expect(attributes(html, '.poll a', 'href')).toEqual(['/p/paredao']);
  expect(html).toContain('Aberta');
  const empty = renderPollListPage({ lang: 'pt-BR', assets, serverTime: NOW, polls: [] });
  expect(empty).toContain(messagesIn('pt-BR').list.empty);
});

test.each([
  ['Ana', 'A'],
  ['Ana Beatriz', 'AB'],
  ['  maria  do Carmo ', 'MC'],
  ['Ângela & Íris', 'ÂÍ'],
  ['7 de Setembro', '7S'],
  ['😀', '•'],
  ['', '•'],
])('the initials of %p are %s', (name, letters) => {
  expect(initials(name)).toBe(letters);
});
