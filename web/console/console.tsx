/** The console's script: takes the place of the shell that the server sent. */
import { render } from 'preact';
import { App } from './app.tsx';

const root = document.getElementById('console');
if (root !== null) {
  root.replaceChildren();
  render(<App initialLang={document.documentElement.lang} />, root);
}
