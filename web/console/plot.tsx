/** A uPlot chart as a component: made again when its setup changes, fed in place when its data does. */
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';

interface PlotProps {
  /** Called once for each chart that is made. */
  options(): Omit<uPlot.Options, 'width' | 'height'>;
  /** Changes when the chart has to be made anew: other lines, another theme or language. */
  readonly setupKey: string;
  readonly data: uPlot.AlignedData;
  /** Seconds since the Unix epoch. */
  readonly window: { readonly min: number; readonly max: number };
  readonly label: string;
}

export function Plot({ options, setupKey, data, window, label }: PlotProps) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const newest = useRef({ data, window });
  newest.current = { data, window };

  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const size = () => ({
      width: Math.max(120, element.clientWidth),
      height: Math.max(80, element.clientHeight),
    });
    const made = new uPlot({ ...options(), ...size() }, newest.current.data, element);
    made.setScale('x', newest.current.window);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize(size()));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.current = null;
      made.destroy();
    };
  }, [setupKey]);

  useEffect(() => {
    const made = plot.current;
    made?.batch(() => {
      made.setData(data, false);
      made.setScale('x', window);
    });
  }, [data, window.min, window.max]);

  return <div class="plot" ref={host} role="img" aria-label={label} />;
}
