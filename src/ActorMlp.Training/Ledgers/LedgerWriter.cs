using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using ActorMlp.Engine.Batches;
using ActorMlp.Training.Runs;

namespace ActorMlp.Training.Ledgers;

/// <summary>
/// Lines of a ledger as bytes. What a step has in common with the step on the line above (view, epoch, rows, hits, who computed what) is left out, so that a
/// step takes some 60 bytes while nothing changes.
/// </summary>
/// <param name="checksum">The checksum after the lines that are there; see <see cref="LedgerChecksum"/>.</param>
internal sealed class LedgerWriter(uint checksum)
{
    private static readonly JsonWriterOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly ArrayBufferWriter<byte> content = new(256);
    private readonly ArrayBufferWriter<byte> whole = new(256);
    private uint checksum = checksum;
    private StepLine? above;

    /// <summary>The bytes of a line, its end included; good until the next call.</summary>
    public ReadOnlyMemory<byte> Write(LedgerLine line)
    {
        content.ResetWrittenCount();
        using var json = new Utf8JsonWriter(content, Json);
        json.WriteStartObject();
        switch (line)
        {
            case StepLine step:
                Write(json, step);
                break;
            case StartLine start:
                json.WriteNumber(LedgerKeys.Start, start.Step);
                json.WriteString(LedgerKeys.Run, start.RunId);
                json.WriteNumber(LedgerKeys.TrainingRows, start.TrainingRows);
                json.WriteNumber(LedgerKeys.StepsPerEpoch, start.StepsPerEpoch);
                json.WriteNumber(LedgerKeys.Epochs, start.Epochs);
                break;
            case MembersLine members:
                json.WriteStartObject(LedgerKeys.Members);
                foreach ((int number, string node) in members.Nodes.OrderBy(member => member.Key))
                {
                    json.WriteString(number.ToString(CultureInfo.InvariantCulture), node);
                }

                json.WriteEndObject();
                break;
            case ViewLine view:
                json.WriteNumber(LedgerKeys.ViewStands, view.View);
                json.WriteStartArray(LedgerKeys.Shares);
                foreach (WorkerShards share in view.Shares)
                {
                    WriteNumbers(json, share.Worker, share.First, share.Count);
                }

                json.WriteEndArray();
                break;
            case RewindLine rewind:
                json.WriteNumber(LedgerKeys.Rewind, rewind.Step);
                json.WriteNumber(LedgerKeys.From, rewind.From);
                json.WriteString(LedgerKeys.Reason, rewind.Reason);
                json.WriteNumber(LedgerKeys.ViewStands, rewind.View);
                break;
            default:
                throw new ArgumentException($"no ledger has a line of {line.GetType()}", nameof(line));
        }

        json.WriteEndObject();
        json.Flush();
        above = line as StepLine;

        // The brace that closes the object gives way to the checksum, which ends with one.
        return Seal(content.WrittenSpan[..^1]);
    }

    /// <summary>A line that was read before, with the checksum that it has in its new place.</summary>
    /// <param name="line">The line up to where its checksum begins.</param>
    public ReadOnlyMemory<byte> Copy(ReadOnlySpan<byte> line)
    {
        above = null;
        return Seal(line);
    }

    private ReadOnlyMemory<byte> Seal(ReadOnlySpan<byte> line)
    {
        checksum = LedgerChecksum.Of(checksum, line);
        whole.ResetWrittenCount();
        whole.Write(line);
        whole.Write(Encoding.ASCII.GetBytes(LedgerChecksum.Text(checksum)));
        whole.Write("\n"u8);
        return whole.WrittenMemory;
    }

    private void Write(Utf8JsonWriter json, StepLine line)
    {
        StepAccount account = line.Account;
        json.WriteNumber(LedgerKeys.Step, account.Step);
        if (account.View != above?.Account.View)
        {
            json.WriteNumber(LedgerKeys.View, account.View);
        }

        if (line.Epoch != above?.Epoch)
        {
            json.WriteNumber(LedgerKeys.Epoch, line.Epoch);
        }

        if (account.Totals.Rows != above?.Account.Totals.Rows)
        {
            json.WriteNumber(LedgerKeys.Rows, account.Totals.Rows);
        }

        json.WriteNumber(LedgerKeys.LossSum, account.Totals.LossSum);
        if (account.Totals.Correct != above?.Account.Totals.Correct)
        {
            json.WriteNumber(LedgerKeys.Correct, account.Totals.Correct);
        }

        if (above is null || !account.Counted.SequenceEqual(above.Account.Counted))
        {
            json.WriteStartArray(LedgerKeys.Counted);
            foreach ((int worker, TreeNode node) in account.Counted)
            {
                WriteNumbers(json, worker, node.FirstShard, node.ShardCount);
            }

            json.WriteEndArray();
        }

        if (account.DuplicatesDropped > 0)
        {
            json.WriteNumber(LedgerKeys.Duplicates, account.DuplicatesDropped);
        }

        if (account.ShardsVerified > 0)
        {
            json.WriteNumber(LedgerKeys.Verified, account.ShardsVerified);
        }

        if (account.ShardsInVain > 0)
        {
            json.WriteNumber(LedgerKeys.InVain, account.ShardsInVain);
        }

        if (account.Redealt.Count > 0)
        {
            json.WriteStartArray(LedgerKeys.Redealt);
            foreach (RedealtShards shards in account.Redealt)
            {
                json.WriteStartArray();
                json.WriteNumberValue(shards.Worker);
                json.WriteNumberValue(shards.First);
                json.WriteNumberValue(shards.Count);
                json.WriteStringValue(JsonNamingPolicy.CamelCase.ConvertName(shards.Reason.ToString()));
                json.WriteEndArray();
            }

            json.WriteEndArray();
        }
    }

    private static void WriteNumbers(Utf8JsonWriter json, int worker, int first, int count)
    {
        json.WriteStartArray();
        json.WriteNumberValue(worker);
        json.WriteNumberValue(first);
        json.WriteNumberValue(count);
        json.WriteEndArray();
    }
}
