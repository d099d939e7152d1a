/** Tenants' API keys: listed, made (the secret is shown once) and revoked. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { useConsole } from '../console-context.ts';
import { Icon } from '../icon.tsx';
import { ScrollArea } from '../scroll-area.tsx';
import { instantOf } from '../zoned-time.ts';
import { Moment } from './amounts.tsx';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { type ApiKey, KEY_SCOPES, type KeyScope } from './entries.ts';
import { type FieldIssues, IssueList, issuesFromServer, NO_ISSUES } from './field-issues.ts';
import { TextField, useIssueText } from './fields.tsx';
import { Listed } from './list-page.tsx';
import { useRemote } from './use-remote.ts';

const FIELDS: ReadonlySet<string> = new Set(['/tenant', '/name', '/scopes', '/expiresAt']);

export function ApiKeysPage() {
  const { m, api, announce, explain } = useConsole();
  const w = m.metering;
  const keys = useRemote('keys', () => api.metering.keys());
  const [isMaking, setIsMaking] = useState(false);
  const [secret, setSecret] = useState<string | null>(null);
  const [revoked, setRevoked] = useState<ApiKey | null>(null);
  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const known = (keys.value ?? []).toSorted(
    (a, b) =>
      Number(a.revokedAt !== null) - Number(b.revokedAt !== null) ||
      (a.tenant < b.tenant ? -1 : Number(a.tenant > b.tenant)) ||
      Date.parse(b.createdAt) - Date.parse(a.createdAt),
  );
  const revoke = async (key: ApiKey) => {
    const outcome = await api.metering.revokeKey(key.id);
    if (!outcome.ok) return explain(outcome.problem);
    announce(w.keyRevoked(key.name));
    keys.reload();
    return '';
  };
  return (
    <>
      <header class="page-head">
        <h1>{w.page.keys}</h1>
        {!isMaking && (
          <button type="button" class="primary" onClick={() => setIsMaking(true)}>
            <Icon name="plus" />
            {w.newKey}
          </button>
        )}
      </header>
      {secret !== null && <Secret secret={secret} onClose={() => setSecret(null)} />}
      {isMaking && (
        <NewKeyForm
          onCancel={() => setIsMaking(false)}
          onMade={(made) => {
            setSecret(made);
            setIsMaking(false);
            keys.reload();
          }}
        />
      )}
      <section class="panel" aria-label={w.page.keys}>
        <Listed list={keys} none={w.keysNone}>
          <ScrollArea label={`${w.page.keys}, ${m.asTable}`}>
            <table class="rows cards">
              <thead>
                <tr>
                  <th scope="col">{w.tenant}</th>
                  <th scope="col">{w.keyName}</th>
                  <th scope="col">{w.scopes}</th>
                  <th scope="col">{w.createdAt}</th>
                  <th scope="col">{w.expires}</th>
                  <th scope="col">
                    <span class="sr-only">{m.acts}</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {known.map((key) => (
                  <tr key={key.id} class={key.revokedAt === null ? '' : 'is-over'}>
                    <td data-name={w.tenant}>{key.tenant}</td>
                    <th scope="row">
                      {key.name}
                      <span class="hint row-note">{key.id}</span>
                    </th>
                    <td data-name={w.scopes}>
                      {key.scopes.map((scope) => w.scope[scope]).join(', ')}
                    </td>
                    <td data-name={w.createdAt}>
                      <Moment at={key.createdAt} timeZone={timeZone} />
                    </td>
                    <td data-name={w.expires}>
                      {key.expiresAt === null ? (
                        w.never
                      ) : (
                        <Moment at={key.expiresAt} timeZone={timeZone} />
                      )}
                    </td>
                    <td class="end">
                      {key.revokedAt === null ? (
                        <button
                          type="button"
                          class="danger"
                          aria-label={`${w.revoke}: ${key.name}`}
                          onClick={() => setRevoked(key)}
                        >
                          {w.revoke}…
                        </button>
                      ) : (
                        <span class="mark mark-over">{w.revokedMark}</span>
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </ScrollArea>
        </Listed>
      </section>
      {revoked !== null && (
        <ConfirmDialog
          title={w.revokeAsk}
          confirm={w.revoke}
          isDanger
          perform={() => revoke(revoked)}
          onClose={() => setRevoked(null)}
        >
          <p>
            <strong>{revoked.name}</strong> · {revoked.tenant}
          </p>
          <p>{w.revokeEffect}</p>
          <p class="warning-text">{m.irreversible}</p>
        </ConfirmDialog>
      )}
    </>
  );
}

interface SecretProps {
  readonly secret: string;
  onClose(): void;
}

function Secret({ secret, onClose }: SecretProps) {
  const { m, announce } = useConsole();
  const w = m.metering;
  const box = useRef<HTMLElement>(null);
  useEffect(() => box.current?.focus(), []);
  const copy = async () => {
    await navigator.clipboard.writeText(secret);
    announce(w.keyCopied);
  };
  return (
    <section class="panel secret" tabIndex={-1} ref={box} aria-label={w.secret}>
      <h2>{w.secret}</h2>
      <p>{w.secretText}</p>
      <div class="row">
        <code>{secret}</code>
        {navigator.clipboard !== undefined && (
          <button type="button" class="primary" onClick={() => void copy()}>
            {w.copySecret}
          </button>
        )}
        <button type="button" onClick={onClose}>
          {w.secretKept}
        </button>
      </div>
    </section>
  );
}

interface NewKeyFormProps {
  onMade(secret: string): void;
  onCancel(): void;
}

function NewKeyForm({ onMade, onCancel }: NewKeyFormProps) {
  const { m, api, explain } = useConsole();
  const w = m.metering;
  const form = useRef<HTMLFormElement>(null);
  const [tenant, setTenant] = useState('');
  const [name, setName] = useState('');
  const [scopes, setScopes] = useState<readonly KeyScope[]>(['ingest']);
  const [expires, setExpires] = useState('');
  const [issues, setIssues] = useState<FieldIssues>(NO_ISSUES);
  const [failure, setFailure] = useState('');
  const [isWorking, setIsWorking] = useState(false);
  const issueOf = useIssueText(issues);
  const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone;

  const refuse = (found: FieldIssues, text: string) => {
    setIssues(found);
    setFailure(text);
    requestAnimationFrame(() => {
      form.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
    });
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    const found = new IssueList();
    if (tenant.trim() === '') found.add('/tenant', 'required');
    if (name.trim() === '') found.add('/name', 'required');
    if (scopes.length === 0) found.add('/scopes', 'required');
    const instant = expires === '' ? null : instantOf(expires, timeZone);
    if (instant !== null && instant.kind !== 'instant') found.add('/expiresAt', 'no_such_time');
    if (found.issues.size > 0) return refuse(found.issues, '');
    setIsWorking(true);
    const outcome = await api.metering.createKey({
      tenant: tenant.trim(),
      name: name.trim(),
      scopes: KEY_SCOPES.filter((scope) => scopes.includes(scope)),
      expiresAt: instant?.kind === 'instant' ? new Date(instant.ms).toISOString() : null,
    });
    setIsWorking(false);
    if (outcome.ok) return onMade(outcome.value.secret);
    refuse(issuesFromServer(outcome.problem.errors, FIELDS), explain(outcome.problem));
  };
  return (
    <form class="panel editor" ref={form} onSubmit={submit} noValidate aria-label={w.newKey}>
      <h2>{w.newKey}</h2>
      <div class="field-row">
        <TextField
          at="/tenant"
          name={w.tenant}
          issues={issues}
          value={tenant}
          onChange={setTenant}
        />
        <TextField
          at="/name"
          name={w.keyName}
          hint={w.keyNameHint}
          issues={issues}
          value={name}
          onChange={setName}
        />
        <TextField
          at="/expiresAt"
          type="datetime-local"
          name={w.expires}
          hint={w.expiresHint(timeZone)}
          issues={issues}
          value={expires}
          onChange={setExpires}
        />
      </div>
      <fieldset class="choices">
        <legend>{w.scopes}</legend>
        {KEY_SCOPES.map((scope) => (
          <label key={scope} class="check">
            <input
              type="checkbox"
              checked={scopes.includes(scope)}
              onChange={(event) =>
                setScopes(
                  event.currentTarget.checked
                    ? [...scopes, scope]
                    : scopes.filter((other) => other !== scope),
                )
              }
            />
            <span>
              {w.scope[scope]} <span class="hint">{w.scopeText[scope]}</span>
            </span>
          </label>
        ))}
        {issueOf('/scopes') !== '' && <p class="failure">{issueOf('/scopes')}</p>}
      </fieldset>
      <p class="failure" role="alert">
        {`${failure} ${issueOf('')}`.trim()}
      </p>
      <div class="buttons">
        <button type="button" onClick={onCancel}>
          {m.cancel}
        </button>
        <button type="submit" class="primary" disabled={isWorking}>
          {isWorking ? m.working : w.createKey}
        </button>
      </div>
    </form>
  );
}
