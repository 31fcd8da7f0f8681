using ActorMlp.Engine.Numerics;

namespace ActorMlp.Engine.Batches;

/// <summary>What a thread needs for a group of rows beside what is kept for all rows.</summary>
internal sealed partial class RowPass
{
    /// <summary>One thread's memory for a group of rows.</summary>
    private sealed class Scratch
    {
        private readonly int[] widths;
        private readonly DropoutPlan[] dropout;
        private int blocks;

        public Scratch(int[] widths, DropoutPlan[] dropout)
        {
            this.widths = widths;
            this.dropout = dropout;
            Values = new AlignedBuffer[widths.Length];
            Masks = new AlignedBuffer[widths.Length];
            for (int stage = 0; stage < widths.Length; stage++)
            {
                Values[stage] = new AlignedBuffer(0);
                Masks[stage] = new AlignedBuffer(0);
            }

            Targets = new AlignedBuffer(widths[^1] * Lane);
            TargetRow = new float[widths[^1]];
            GradientStride = widths.AsSpan(1).ToArray().Max() * Lane;
        }

        public AlignedBuffer Gathered { get; private set; } = new(0);

        public AlignedBuffer Gradients { get; private set; } = new(0);

        public AlignedBuffer NextGradients { get; private set; } = new(0);

        public AlignedBuffer Targets { get; }

        public AlignedBuffer Probabilities { get; } = new(Lane);

        public AlignedBuffer[] Values { get; }

        public AlignedBuffer[] Masks { get; }

        public int GradientStride { get; }

        public uint[] RowNumbers { get; } = new uint[Lane];

        public uint[] Labels { get; } = new uint[Lane];

        public uint[] Decisions { get; } = new uint[Lane];

        public float[] TargetRow { get; }

        /// <summary>Makes room for a group.</summary>
        public void Reserve(int groupBlocks, RowPassMode mode)
        {
            blocks = Math.Max(blocks, groupBlocks);
            Gathered = Grown(Gathered, widths[0] * Lane);
            Gradients = Grown(Gradients, blocks * GradientStride);
            for (int stage = 0; stage < widths.Length; stage++)
            {
                bool last = stage == widths.Length - 1;
                if (mode != RowPassMode.Train || last || dropout[stage].Active)
                {
                    Values[stage] = Grown(Values[stage], blocks * widths[stage] * Lane);
                }

                if (mode == RowPassMode.Train && dropout[stage].Active)
                {
                    Masks[stage] = Grown(Masks[stage], (stage == 0 ? 1 : blocks) * widths[stage] * Lane);
                }
            }

            if (mode == RowPassMode.Train)
            {
                NextGradients = Grown(NextGradients, blocks * GradientStride);
            }
        }

        private static AlignedBuffer Grown(AlignedBuffer buffer, int length)
        {
            Grow(ref buffer, length);
            return buffer;
        }
    }
}
