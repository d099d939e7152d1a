import { expect, test } from 'bun:test';
import { renderConsolePage } from './page.ts';

const assets = { script: '/assets/console-1.js', style: '/assets/console-2.css' };

test('the page loads its script and style and says its language', () => {
  const html = renderConsolePage({ lang: 'en', assets });
  expect(html).toStartWith('<!doctype html>\n<html lang="en">');
  expect(html).toContain('src="/assets/console-1.js"');
  expect(html).toContain('href="/assets/console-2.css"');
  expect(renderConsolePage({ lang: 'xx', assets })).toContain('<html lang="pt-BR">');
});

test('the page needs no exception from a strict content security policy', () => {
  const html = renderConsolePage({ lang: 'pt-BR', assets });
  expect(html).not.toMatch(/<script(?![^>]*\ssrc=)/);
  expect(html).not.toMatch(/<style|\sstyle=|\son\w+=/);
  expect(html).not.toMatch(/https?:\/\//);
});

test('an address can not break out of its attribute', () => {
  const html = renderConsolePage({ lang: 'pt-BR', assets: { ...assets, style: '"><script>' } });
  expect(html).not.toContain('"><script>');
});
