// SPDX-License-Identifier: Apache-2.0
/** Photos: shown in a row and large on demand; chosen, made small, sent with progress and retry. */
import { Camera, CircleAlert, RotateCcw, Trash2, Video } from 'lucide';
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { newKey, upload } from '../api';
import { fileUrl } from '../city';
import type { KeptFile } from '../db';
import { NotAPhoto, shrink, videoMax } from '../image';
import { t } from '../i18n';
import type { FileInfo } from '../types';
import { Button, IconButton } from './base';
import { Dialog } from './dialog';
import { FieldError } from './form';
import { Icon } from './icon';
import { toast } from './toast';

export function Photos({ ids, video, what }: { ids: string[] | undefined; video?: string | undefined; what: string }): JSX.Element | null {
  const [big, setBig] = useState<number | null>(null);
  const list = ids ?? [];
  if (!list.length && !video) return null;
  const alt = (i: number): string => t('photo.alt', { n: i + 1, of: list.length, what });
  return (
    <>
      <ul class="photos">
        {list.map((id, i) => (
          <li key={id}>
            <button type="button" class="photo" onClick={() => setBig(i)}>
              <img src={fileUrl(id)} alt={alt(i)} loading="lazy" />
            </button>
          </li>
        ))}
        {video && (
          <li>
            <span class="photo">
              <video src={fileUrl(video)} controls preload="metadata" aria-label={t('video.alt', { what })} />
            </span>
          </li>
        )}
      </ul>
      {big !== null && (
        <Dialog title={alt(big)} onClose={() => setBig(null)} wide>
          <img class="photo-big" src={fileUrl(list[big] as string)} alt={alt(big)} />
          {list.length > 1 && (
            <div class="buttons">
              <Button onClick={() => setBig((big + list.length - 1) % list.length)}>{t('previous')}</Button>
              <Button onClick={() => setBig((big + 1) % list.length)}>{t('next')}</Button>
            </div>
          )}
        </Dialog>
      )}
    </>
  );
}

interface Sending {
  part: number;
  error?: string;
}

/** @param max photos at most; a video only where `video` says so
 *  @param what is shown on them, where a page asks for several
 *  @param longest side in pixels */
export function PhotoInput({ id, files, onChange, max = 5, video, what, longest }: { id: string; files: KeptFile[]; onChange: (change: (before: KeptFile[]) => KeptFile[]) => void; max?: number; video?: boolean; what?: string; longest?: number }): JSX.Element {
  const [sending, setSending] = useState<Record<string, Sending>>({});
  const [problem, setProblem] = useState('');
  const urls = useRef(new Map<string, string>());
  const input = useRef<HTMLInputElement>(null);
  const film = useRef<HTMLInputElement>(null);
  useEffect(
    () => () => {
      for (const u of urls.current.values()) URL.revokeObjectURL(u);
    },
    [],
  );
  const url = (f: KeptFile): string => {
    let u = urls.current.get(f.key);
    if (!u) urls.current.set(f.key, (u = URL.createObjectURL(f.blob)));
    return u;
  };
  const put = (key: string, s: Sending | null): void =>
    setSending((all) => {
      const next = { ...all };
      if (s) next[key] = s;
      else delete next[key];
      return next;
    });

  const send = async (f: KeptFile): Promise<void> => {
    put(f.key, { part: 0 });
    try {
      const got = await upload<FileInfo>(f.blob, (part) => put(f.key, { part }));
      onChange((before) => before.map((x) => (x.key === f.key ? { ...x, id: got.id } : x)));
      put(f.key, null);
    } catch (e) {
      // Without a network the file waits on this device and goes with the report.
      const offline = (e as { offline?: boolean }).offline === true;
      put(f.key, offline ? null : { part: 0, error: (e as Error).message });
    }
  };

  const add = async (list: FileList | null): Promise<void> => {
    setProblem('');
    const chosen = [...(list ?? [])];
    const room = max - files.filter((f) => !f.video).length;
    if (chosen.length > room) setProblem(t('photo.too_many', { n: max }));
    for (const file of chosen.slice(0, room)) {
      try {
        const f: KeptFile = { key: newKey(), name: file.name, blob: await shrink(file, longest) };
        onChange((before) => [...before, f]);
        void send(f);
      } catch (e) {
        setProblem(e instanceof NotAPhoto ? t('photo.unreadable', { name: file.name }) : (e as Error).message);
      }
    }
  };
  const addVideo = (file: File | undefined): void => {
    setProblem('');
    if (!file) return;
    if (file.size > videoMax) return setProblem(t('video.too_large', { n: videoMax / 1e6 }));
    const f: KeptFile = { key: newKey(), name: file.name, blob: file, video: true };
    onChange((before) => [...before.filter((x) => !x.video), f]);
    void send(f);
  };
  const photos = files.filter((f) => !f.video).length;

  return (
    <div id={id} class="photo-input">
      {problem && <FieldError id={`${id}-problem`}>{problem}</FieldError>}
      {files.length > 0 && (
        <ul class="photos">
          {files.map((f, i) => {
            const s = sending[f.key];
            return (
              <li class="upload" key={f.key}>
                <span class="photo">{f.video ? <video src={url(f)} preload="metadata" aria-label={f.name} /> : <img src={url(f)} alt={t('photo.chosen', { n: i + 1, name: f.name })} />}</span>
                <IconButton
                  class="remove"
                  icon={Trash2}
                  size={18}
                  label={t('photo.remove', { n: i + 1 })}
                  onClick={() => {
                    onChange((before) => before.filter((x) => x.key !== f.key));
                    toast(t('photo.removed'), { label: t('undo'), run: () => onChange((before) => [...before.slice(0, i), f, ...before.slice(i)]) });
                    input.current?.focus();
                  }}
                />
                {s && (
                  <span class="state">
                    {s.error ? (
                      <>
                        <Icon of={CircleAlert} size={16} />
                        <button type="button" onClick={() => void send(f)} title={s.error}>
                          <Icon of={RotateCcw} size={14} /> {t('retry')}
                        </button>
                      </>
                    ) : (
                      <progress max={1} value={s.part} aria-label={t('photo.sending', { n: i + 1 })} />
                    )}
                  </span>
                )}
              </li>
            );
          })}
        </ul>
      )}
      <div class="buttons">
        {photos < max && (
          <Button icon={Camera} onClick={() => input.current?.click()}>
            {photos ? t('photo.more') : t('photo.add')}
            {what && <span class="sr-only">: {what}</span>}
          </Button>
        )}
        {video && !files.some((f) => f.video) && (
          <Button icon={Video} onClick={() => film.current?.click()}>
            {t('video.add')}
          </Button>
        )}
      </div>
      <input ref={input} class="sr-only" type="file" accept="image/*" multiple tabIndex={-1} aria-label={what ? `${t('photo.add')}: ${what}` : t('photo.add')} onChange={(e) => void add(e.currentTarget.files).then(() => input.current && (input.current.value = ''))} />
      {video && <input ref={film} class="sr-only" type="file" accept="video/mp4,video/quicktime" tabIndex={-1} aria-label={t('video.add')} onChange={(e) => addVideo(e.currentTarget.files?.[0])} />}
    </div>
  );
}
