using System.Buffers.Text;
using ActorMlp.Training.Runs;
using ActorMlp.Training.Storage;

namespace ActorMlp.Training.Ledgers;

/// <summary>
/// The file ledger.jsonl of a run that is under way: who computed what of each step. Each line is handed to the system at once, so that the lines of all steps
/// in a checkpoint are there whenever the process is killed. When the run goes back, the lines of steps that are trained again go.
/// </summary>
public sealed class LedgerLog : IDisposable
{
    private readonly string path;
    private readonly Stream file;
    private LedgerWriter writer;
    private IReadOnlyDictionary<int, string> members = new Dictionary<int, string>();
    private long steps;

    private LedgerLog(string path, Stream file)
    {
        this.path = path;
        this.file = file;
        writer = new LedgerWriter(LedgerChecksum.Start);
    }

    /// <summary>Opens the file of a new run, or that of a resumed one, whose steps beyond the checkpoint are taken out: they will be written again.</summary>
    /// <param name="path">The file.</param>
    /// <param name="steps">Steps committed in the checkpoint; 0 for a new run.</param>
    /// <exception cref="StorageException">The file cannot be opened.</exception>
    public static LedgerLog Open(string path, long steps)
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            var log = new LedgerLog(path, new FileStream(
                path, steps > 0 ? FileMode.OpenOrCreate : FileMode.Create, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0));
            log.GoBackTo(steps);
            return log;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new StorageException(path, $"cannot be opened: {exception.Message}", exception);
        }
    }

    /// <summary>A new run's ledger over a stream of its own, which it reads, writes, cuts and closes: for a run that has no folder.</summary>
    internal static LedgerLog Over(Stream stream) => new("the ledger", stream);

    /// <summary>Writes down what belongs in a ledger, and takes no notice of the rest.</summary>
    /// <exception cref="StorageException">It could not be written.</exception>
    public void Record(RunEvent runEvent)
    {
        switch (runEvent)
        {
            case StepCommittedEvent { Account: { } account } committed:
                steps = account.Step + 1;
                Append(new StepLine(committed.Metrics.Epoch, account));
                break;
            case RunStarted started:
                Append(new StartLine(started.FirstStep, started.RunId, started.TrainingRows, started.StepsPerEpoch, started.Epochs));
                break;
            case MembersKnown known when !known.Nodes.OrderBy(node => node.Key).SequenceEqual(members.OrderBy(node => node.Key)):
                members = known.Nodes;
                Append(new MembersLine(known.Nodes));
                break;
            // Where nobody is left to compute, no step can end.
            case ViewStands { View: var view } when view.Ranges.Any(range => range.Count > 0):
                Append(new ViewLine(view.Number, [.. view.Ranges.Where(range => range.Count > 0)
                    .Select(range => new WorkerShards(range.Worker.Number, range.First, range.Count))]));
                break;
            case RunRewound rewound:
                Rewind(rewound);
                break;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    /// <summary>The step of a line; null for a line that is of no step.</summary>
    private static long? StepOf(ReadOnlySpan<byte> line)
    {
        ReadOnlySpan<byte> begin = "{\"s\":"u8;
        return line.StartsWith(begin) && Utf8Parser.TryParse(line[begin.Length..], out long step, out _) ? step : null;
    }

    private void Rewind(RunRewound rewound)
    {
        long from = steps;
        try
        {
            GoBackTo(rewound.Step);
        }
        catch (IOException exception)
        {
            throw CannotWrite(exception);
        }

        Append(new RewindLine(rewound.Step, Math.Max(from, rewound.Step), rewound.Reason, rewound.View));
    }

    /// <summary>Takes out the steps that do not stand, and a last line that was cut short; what else was told since then is put behind the steps that stand.</summary>
    private void GoBackTo(long standing)
    {
        file.Position = 0;
        uint checksum = LedgerChecksum.Start;
        long end = 0;
        bool within = true;
        long known = 0;
        var kept = new List<byte[]>();
        foreach (ReadOnlyMemory<byte> line in LedgerFile.WholeLines(file))
        {
            ReadOnlySpan<byte> bytes = line.Span;
            within &= StepOf(bytes) is not { } step || step < standing;
            if (within)
            {
                end += bytes.Length + 1;
                known = StepOf(bytes) + 1 ?? known;
                checksum = LedgerChecksum.Read(bytes) ?? checksum;
            }
            else if (StepOf(bytes) is null && LedgerChecksum.Read(bytes) is not null)
            {
                kept.Add(bytes[..^LedgerChecksum.Length].ToArray());
            }
        }

        file.SetLength(end);
        file.Position = end;
        writer = new LedgerWriter(checksum);
        steps = known;
        foreach (byte[] line in kept)
        {
            file.Write(writer.Copy(line).Span);
        }
    }

    private void Append(LedgerLine line)
    {
        try
        {
            file.Write(writer.Write(line).Span);
        }
        catch (IOException exception)
        {
            throw CannotWrite(exception);
        }
    }

    private StorageException CannotWrite(IOException exception) => new(path, $"could not be written: {exception.Message}", exception);
}
