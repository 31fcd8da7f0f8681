using System.Globalization;
using System.Text.Json;
using ActorMlp.Engine.Batches;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Ledgers;

/// <summary>Lines of a ledger from bytes, from the first on: what <see cref="LedgerWriter"/> left out of a step is that of the step above.</summary>
public sealed class LedgerReader
{
    private uint checksum = LedgerChecksum.Start;
    private StepLine? above;

    /// <summary>Reads the next line.</summary>
    /// <param name="line">Its bytes, without its end.</param>
    /// <exception cref="LedgerFormatException">It is not as it was written, or not where it was written.</exception>
    public LedgerLine Read(ReadOnlyMemory<byte> line)
    {
        uint stated = LedgerChecksum.Read(line.Span)
            ?? throw new LedgerFormatException("is no whole line: it does not end with its checksum");
        checksum = LedgerChecksum.Of(checksum, line.Span[..^LedgerChecksum.Length]);
        if (stated != checksum)
        {
            throw new LedgerFormatException(string.Create(
                CultureInfo.InvariantCulture, $"has the checksum {stated:x8} where {checksum:x8} follows from it and the lines above: it was changed, or a line before it is missing"));
        }

        LedgerLine read = Parse(line);
        above = read as StepLine;
        return read;
    }

    private LedgerLine Parse(ReadOnlyMemory<byte> line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement root = document.RootElement;
            return root.EnumerateObject().First().Name switch
            {
                LedgerKeys.Step => ReadStep(root),
                LedgerKeys.Start => new StartLine(
                    root.GetProperty(LedgerKeys.Start).GetInt64(),
                    Text(root, LedgerKeys.Run),
                    root.GetProperty(LedgerKeys.TrainingRows).GetInt32(),
                    root.GetProperty(LedgerKeys.StepsPerEpoch).GetInt32(),
                    root.GetProperty(LedgerKeys.Epochs).GetInt32()),
                LedgerKeys.Members => new MembersLine(root.GetProperty(LedgerKeys.Members).EnumerateObject()
                    .ToDictionary(member => int.Parse(member.Name, CultureInfo.InvariantCulture), member => member.Value.GetString() ?? "")),
                LedgerKeys.ViewStands => new ViewLine(
                    root.GetProperty(LedgerKeys.ViewStands).GetInt32(),
                    [.. root.GetProperty(LedgerKeys.Shares).EnumerateArray().Select(share => new WorkerShards(Number(share, 0), Number(share, 1), Number(share, 2)))]),
                LedgerKeys.Rewind => new RewindLine(
                    root.GetProperty(LedgerKeys.Rewind).GetInt64(), root.GetProperty(LedgerKeys.From).GetInt64(), Text(root, LedgerKeys.Reason), root.GetProperty(LedgerKeys.ViewStands).GetInt32()),
                string other => throw new LedgerFormatException($"begins with '{other}', which begins no line of a ledger"),
            };
        }
        catch (Exception exception) when (exception is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or IndexOutOfRangeException)
        {
            throw new LedgerFormatException($"is no line of a ledger: {exception.Message}");
        }
    }

    private StepLine ReadStep(JsonElement root)
    {
        StepAccount? before = above?.Account;
        var totals = new GradientTotals(
            root.TryGetProperty(LedgerKeys.Rows, out JsonElement rows) ? rows.GetInt64() : Above(before, LedgerKeys.Rows).Totals.Rows,
            root.GetProperty(LedgerKeys.LossSum).GetDouble(),
            root.TryGetProperty(LedgerKeys.Correct, out JsonElement correct) ? correct.GetInt64() : Above(before, LedgerKeys.Correct).Totals.Correct);
        var account = new StepAccount(
            root.GetProperty(LedgerKeys.Step).GetInt64(),
            root.TryGetProperty(LedgerKeys.View, out JsonElement view) ? view.GetInt32() : Above(before, LedgerKeys.View).View,
            totals,
            root.TryGetProperty(LedgerKeys.Counted, out JsonElement counted)
                ? [.. counted.EnumerateArray().Select(part => new CountedSubtree(Number(part, 0), Node(Number(part, 1), Number(part, 2))))]
                : Above(before, LedgerKeys.Counted).Counted,
            root.TryGetProperty(LedgerKeys.Duplicates, out JsonElement duplicates) ? duplicates.GetInt32() : 0,
            root.TryGetProperty(LedgerKeys.Redealt, out JsonElement redealt)
                ? [.. redealt.EnumerateArray().Select(part => new RedealtShards(Number(part, 0), Number(part, 1), Number(part, 2), Reason(part[3])))]
                : [],
            root.TryGetProperty(LedgerKeys.Verified, out JsonElement verified) ? verified.GetInt32() : 0,
            root.TryGetProperty(LedgerKeys.InVain, out JsonElement inVain) ? inVain.GetInt32() : 0);
        return new StepLine(
            root.TryGetProperty(LedgerKeys.Epoch, out JsonElement epoch)
                ? epoch.GetInt32()
                : above?.Epoch ?? throw Missing(LedgerKeys.Epoch),
            account);
    }

    private static StepAccount Above(StepAccount? before, string key) => before ?? throw Missing(key);

    private static LedgerFormatException Missing(string key) => new($"lacks '{key}', and there is no step on the line above to take it from");

    private static int Number(JsonElement list, int at) => list[at].GetInt32();

    private static string Text(JsonElement root, string key) => root.GetProperty(key).GetString() ?? throw new LedgerFormatException($"'{key}' is null");

    private static TreeNode Node(int first, int count) => first >= 0 && count > 0 && int.IsPow2(count) && first % count == 0
        ? new TreeNode(int.Log2(count), first / count)
        : throw new LedgerFormatException($"has {count} shards from shard {first}, which are no subtree");

    private static RedealReason Reason(JsonElement text) => Enum.TryParse(text.GetString(), ignoreCase: true, out RedealReason reason) && Enum.IsDefined(reason)
        ? reason
        : throw new LedgerFormatException($"gives '{text}' as a reason; known: {string.Join(", ", Enum.GetNames<RedealReason>().Select(JsonNamingPolicy.CamelCase.ConvertName))}");
}
