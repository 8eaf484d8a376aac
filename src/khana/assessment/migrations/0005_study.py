"""Studies: looks at scores and models that were kept."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('assessment', '0004_policies'),
    ]

    operations = [
        migrations.CreateModel(
            name='Study',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.TextField(choices=[('WATCH', 'Watch'), ('DRIFT', 'Drift')])),
                ('asked', models.JSONField(help_text='cut-off, window, columns: what was asked')),
                ('result', models.JSONField()),
                ('created_by', models.BigIntegerField()),
                ('created_label', models.TextField(default='')),
                ('created_at', models.DateTimeField()),
                ('model', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='assessment.modelversion')),
            ],
        ),
    ]
