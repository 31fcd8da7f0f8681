using ActorMlp.Engine.Batches;
using ActorMlp.Engine.Optimizers;
using ActorMlp.Training.Consistency;

namespace ActorMlp.Training.Replay;

/// <summary>A run with averaged copies again: share by share, a round after the other.</summary>
internal sealed class LocalReplay(IShareModel model, SharePlan plan, ConsistencyRule rule, IReadOnlyList<UpdateRecord> records, float[] initial)
    : ShareReplay(model, plan, rule, records, initial)
{
    private long began;

    protected override bool IsAverage => true;

    protected override void Replay(UpdateRecord record)
    {
        long ends = Plan.AverageAtOrAfter(began + 1, Rule.AverageEvery);
        if (record.Clock != ends - 1 || record.Version != record.Sequence)
        {
            throw Wrong(record, record.Sequence, $"is an average of version {record.Version}, expected one after step {ends - 1} of version {record.Sequence}");
        }

        var rows = new List<long>();
        var trained = new List<int>();
        for (int share = 0; share < Plan.Shares; share++)
        {
            Parameters.CopyTo(Engine.CopyOf(share));
            long sum = 0;
            for (long step = began; step < ends; step++)
            {
                if (Plan.RowsOf(step, share) == 0)
                {
                    continue;
                }

                (GradientTotals totals, UpdateReport report) = Engine.TrainCopy(share, step);
                if (report.NonFiniteLayer is { } layer)
                {
                    throw Wrong(record, record.Sequence, $"gives numbers that are not finite in layer {layer + 1} of share {share}'s copy");
                }

                Enter(record, step, share, totals);
                sum += totals.Rows;
            }

            if (sum > 0)
            {
                rows.Add(sum);
                trained.Add(share);
            }
        }

        if (!record.Parts.Select(part => part.Share).SequenceEqual(trained))
        {
            throw Wrong(record, record.Sequence, $"averages shares {string.Join(", ", record.Parts.Select(part => part.Share))}; {string.Join(", ", trained)} trained a copy");
        }

        Engine.Average(record, rows, Weights);
        began = ends;
    }

    protected override void CheckCounted(long step, IReadOnlyList<int> shares)
    {
        if (step >= began)
        {
            throw new ReplayDiffersException($"updates.jsonl: the average after step {step} is missing");
        }
    }
}
